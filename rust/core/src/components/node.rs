//! `node`: how near each matched node lies.

use std::ops::Range;

use crate::assign::NONE;
use crate::components::Context;
use crate::geometry::{Points, distance};
use crate::wide::wide;

/// Sum of the kernel over the matched nodes of a frame; `points` are the reply's nodes where they are compared.
pub(crate) fn sum(context: &Context<'_>, frame: usize, partners: &[u32], points: &Points) -> f64 {
    span(context, context.scene.frames[frame].nodes.clone(), partners, points)
}

/// Nodes whose kernels are computed together.
const LANES: usize = 16;

fn span(context: &Context<'_>, nodes: Range<usize>, partners: &[u32], points: &Points) -> f64 {
    wide(
        #[inline(always)]
        || {
            let mut sum = 0.0;
            let mut values = [0.0; LANES];
            let mut matched = nodes.filter(|&i| partners[i] != NONE);
            loop {
                let mut count = 0;
                for (value, i) in values.iter_mut().zip(&mut matched) {
                    *value = distance(context.scene.xyz[i], points.at(partners[i] as usize)) / context.scene.scale;
                    count += 1;
                }
                context.node.apply(&mut values);
                sum = values[..count].iter().fold(sum, |sum, value| sum + value);
                if count < LANES {
                    return sum;
                }
            }
        },
    )
}

/// The component of one frame.
pub(crate) fn frame(context: &Context<'_>, frame: usize, partners: &[u32], points: &Points) -> f64 {
    let nodes = &context.scene.frames[frame].nodes;
    if !context.spec.per_class {
        return sum(context, frame, partners, points) / nodes.len().max(context.predicted(frame)) as f64;
    }
    let mut mean = 0.0;
    for (_, group) in &context.scene.frames[frame].groups {
        let share = group.len() as f64 / nodes.len() as f64;
        let predicted = context.layout.images[group.start].len();
        mean += share * span(context, group.clone(), partners, points) / group.len().max(predicted) as f64;
    }
    mean
}
