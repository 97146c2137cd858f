//! `node`: how near each matched node lies.

use crate::assign::NONE;
use crate::components::Context;
use crate::geometry::{Points, distance};

/// Sum of the kernel over the matched nodes of a frame; `points` are the reply's nodes where they are compared.
pub(crate) fn sum(context: &Context<'_>, frame: usize, partners: &[u32], points: &Points) -> f64 {
    span(context, context.scene.frames[frame].nodes.clone(), partners, points)
}

fn span(context: &Context<'_>, nodes: std::ops::Range<usize>, partners: &[u32], points: &Points) -> f64 {
    let mut sum = 0.0;
    for i in nodes {
        if partners[i] != NONE {
            let r = distance(context.scene.xyz[i], points.at(partners[i] as usize)) / context.scene.scale;
            sum += context.node.of(r);
        }
    }
    sum
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
