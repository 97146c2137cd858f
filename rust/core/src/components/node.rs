//! `node`: how near each matched node lies.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use crate::assign::NONE;
use crate::components::Context;
use crate::geometry::{Points, Vec3};
use crate::lanes::{LANES, Lanes, add_kept, by_axis, each, filled, images, kept, squares, ways};
use crate::wide::{Vectored, vectored};
use fearless_simd::Simd;

/// Sum of the kernel over the matched nodes of a frame, in as many partial sums as there are lanes; `points` are the reply's
/// nodes where they are compared.
pub(crate) fn sum(context: &Context<'_>, frame: usize, partners: &[u32], points: &Points) -> f64 {
    let mut sums = [0.0; LANES];
    kernels(
        context,
        frame,
        partners,
        points,
        #[inline(always)]
        |values| sums = each(|k| sums[k] + values[k]),
    );
    sums.iter().sum()
}

/// Hands on the kernels of a frame's nodes, some at a time; zero for those that are not matched.
#[inline(always)]
fn kernels(context: &Context<'_>, frame: usize, partners: &[u32], points: &Points, take: impl FnMut(&Lanes)) {
    let nodes = &context.scene.frames[frame].nodes;
    let (references, partners) = (&context.scene.xyz[nodes.clone()], &partners[nodes.clone()]);
    vectored(Kernels { context, references, partners, points, take });
}

struct Kernels<'a, F> {
    context: &'a Context<'a>,
    references: &'a [Vec3],
    partners: &'a [u32],
    points: &'a Points,
    take: F,
}

impl<F: FnMut(&Lanes)> Vectored for Kernels<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Self { context, points, .. } = self;
        for (references, partners) in self.references.chunks(LANES).zip(self.partners.chunks(LANES)) {
            let partners = filled(partners, NONE);
            let (here, there) = (by_axis(&filled(references, [0.0; 3])), images(points, &partners));
            let apart = squares(&ways(&here, &there));
            let values = context.node.several(simd, &each(|k| apart[k].sqrt() / context.scene.scale));
            let mut matched = [0.0; LANES];
            add_kept(&mut matched, &values, &kept(&partners));
            (self.take)(&matched);
        }
    }
}

/// The component of one frame.
pub(crate) fn frame(
    context: &Context<'_>,
    frame: usize,
    partners: &[u32],
    points: &Points,
    values: &mut Vec<f64>,
) -> f64 {
    let nodes = &context.scene.frames[frame].nodes;
    if !context.spec.per_class {
        return sum(context, frame, partners, points) / nodes.len().max(context.predicted(frame)) as f64;
    }
    values.clear();
    kernels(
        context,
        frame,
        partners,
        points,
        #[inline(always)]
        |some| values.extend_from_slice(some),
    );
    let mut mean = 0.0;
    for (_, group) in &context.scene.frames[frame].groups {
        let share = group.len() as f64 / nodes.len() as f64;
        let predicted = context.layout.images[group.start].len();
        let sum: f64 = values[group.start - nodes.start..group.end - nodes.start].iter().sum();
        mean += share * sum / group.len().max(predicted) as f64;
    }
    mean
}
