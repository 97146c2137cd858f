//! `chirality`: what distances and unsigned angles cannot see, left from right.

use crate::assign::NONE;
use crate::components::Context;
use crate::geometry::{Points, Vec3, grid};
use crate::plan::{Handedness, Tuple, area, volume};

/// An image is oriented over this share of D² or D³.
const ORIENTED: f64 = 1e-3;

/// How many of the frame's clearly oriented tuples have images of the same sign.
pub(crate) fn right(context: &Context<'_>, frame: usize, partners: &[u32], points: &Points, scale: f64) -> usize {
    let tuples = &context.plan().frames[frame].tuples;
    tuples.iter().map(|tuple| usize::from(same_sign(context, tuple, partners, points, scale))).sum()
}

fn same_sign(context: &Context<'_>, tuple: &Tuple, partners: &[u32], points: &Points, scale: f64) -> bool {
    let images = tuple.nodes.map(|node| partners[node as usize]);
    if images.contains(&NONE) {
        return false;
    }
    let [a, b, c, d]: [Vec3; 4] = images.map(|image| points.at(image as usize));
    let size = context.scene.scale / scale;
    let share = match context.plan().handedness {
        Handedness::Area(up) => area(a, b, c, up) / (size * size),
        Handedness::Volume => volume(a, b, c, d) / (size * size * size),
    };
    // Not `&&`: which of the two fails cannot be foretold.
    ((share > 0.0) == tuple.positive) & (grid(share.abs()) > grid(ORIENTED))
}
