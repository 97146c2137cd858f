//! `motion`: how far each object goes from frame to frame.

use crate::assign::NONE;
use crate::components::{Context, kernels::exp};
use crate::geometry::distance;

/// The component of one frame that shares an object with the frame before; `scale` is that of the frame's motion.
pub(crate) fn frame(context: &Context<'_>, frame: usize, partners: &[u32], scale: f64) -> f64 {
    let steps = &context.plan().frames[frame].steps;
    let layout = context.layout;
    let mut sum = 0.0;
    for step in steps {
        let (now, before) = (partners[step.node as usize], partners[step.before as usize]);
        if now == NONE || before == NONE {
            continue;
        }
        let (now, before) = (now as usize, before as usize);
        if layout.suffix[now] == layout.suffix[before] && layout.lone[now] && layout.lone[before] {
            let length = distance(layout.points.at(now), layout.points.at(before)) * scale;
            sum += exp(-(step.length - length).abs() / context.scene.scale / context.spec.motion_s);
        }
    }
    sum / steps.len() as f64
}
