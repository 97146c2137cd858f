//! `consistency`: whether the distances that a reply states are those of its own places.

use crate::assign::NONE;
use crate::components::Context;
use crate::geometry::distance;

/// Mean kernel over all stated edges; NaN without any. `scales` are those of the motions of the reference's frames.
pub(crate) fn mean(context: &Context<'_>, values: &mut Vec<f64>, scales: &[f64]) -> f64 {
    values.clear();
    let partner = &context.layout.partner;
    for (index, frame) in context.graph.frames.iter().enumerate() {
        if frame.edges.is_empty() {
            continue;
        }
        let reference = partner.iter().position(|&reply| reply != NONE && reply as usize == index);
        let scale = reference.map_or(1.0, |reference| scales[reference]);
        for edge in &context.graph.edges[frame.edges.clone()] {
            let derived =
                distance(context.graph.nodes[edge.a as usize].xyz, context.graph.nodes[edge.b as usize].xyz) * scale;
            values.push(context.edge.of(edge.distance, derived));
        }
    }
    // The order in which edges and frames are written must not reach the last bit.
    values.sort_unstable_by(f64::total_cmp);
    values.iter().sum::<f64>() / values.len() as f64
}
