//! The terms of `edge` for the pairs of a frame, in columns for wide registers: those of [`super::edge`] but for the last bits,
//! and the same on every processor.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::edge::Matched;
use super::kernels::EdgeTerm;
use crate::geometry::{Vec3, cross, dot, horizontal, sub};
use crate::plan::AngleKind;
use crate::spec::EdgeKernel;
use crate::wide::wide;

/// What the terms of a frame depend on beside its nodes.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) term: EdgeTerm,
    /// The least length that has a direction.
    pub(super) shortest: f64,
    pub(super) angle: AngleKind,
    pub(super) angle_weight: f64,
    /// Of the motion.
    pub(super) scale: f64,
    /// Of the pairs of the frame's `nodes`, row by row.
    pub(super) distances: &'a [f64],
    pub(super) nodes: usize,
}

/// Coordinates of a few points.
const FEW: usize = 4;
type Few = [[f64; FEW]; 3];

/// Points by coordinate, with as many more behind them as make the last few whole.
#[derive(Clone, Debug, Default)]
struct Columns([Vec<f64>; 3]);

impl Columns {
    fn fill(&mut self, points: impl Fn(usize) -> Vec3, count: usize) {
        for (axis, column) in self.0.iter_mut().enumerate() {
            column.clear();
            column.extend((0..count).map(|k| points(k)[axis]));
            column.resize(count + FEW, 0.0);
        }
    }

    /// A point.
    #[inline(always)]
    fn at(&self, k: usize) -> Vec3 {
        [self.0[0][k], self.0[1][k], self.0[2][k]]
    }

    /// All points after one.
    #[inline(always)]
    fn after(&self, first: usize) -> impl Iterator<Item = Few> {
        let [x, y, z] = self.0.each_ref().map(|column| column[first + 1..].as_chunks::<FEW>().0.iter());
        x.zip(y).zip(z).map(|((&x, &y), &z)| [x, y, z])
    }
}

#[inline(always)]
fn one(few: &Few, k: usize) -> Vec3 {
    [few[0][k], few[1][k], few[2][k]]
}

/// Writes a part of each pair.
#[inline(always)]
fn lay<T>(out: &mut [f64], few: impl Iterator<Item = T>, part: impl Fn(&T, usize) -> f64) {
    for (out, few) in out.as_chunks_mut::<FEW>().0.iter_mut().zip(few) {
        for (k, out) in out.iter_mut().enumerate() {
            *out = part(&few, k);
        }
    }
}

#[inline(always)]
fn square(a: Vec3) -> f64 {
    dot(a, a)
}

/// Reused memory: columns of the matched nodes, and of as many pairs as are computed together.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    reference: Columns,
    reply: Columns,
    /// NaN where there is none.
    ray: Columns,
    image_ray: Columns,
    distance: Vec<f64>,
    /// Of the reply; squared at first.
    length: Vec<f64>,
    /// What the angles are made of: cosines and squared sines, squared level lengths and rises, or products of edges.
    parts: [Vec<f64>; 2],
    image_parts: [Vec<f64>; 2],
    kernel: Vec<f64>,
    value: Vec<f64>,
}

/// So many pairs, or more by one row, are computed together ...
const TOGETHER: usize = 256;
/// ... in multiples of this, so that no loop has an end that is not wide; as many partial sums are kept.
const LANES: usize = 8;

impl Pairs {
    /// The sum over the pairs of matched nodes, in as many partial sums as there are lanes.
    pub(super) fn sum(&mut self, rules: &Rules<'_>, matched: &[Matched]) -> f64 {
        let count = matched.len();
        self.reference.fill(|k| matched[k].reference, count);
        self.reply.fill(|k| matched[k].reply, count);
        if matches!(rules.angle, AngleKind::Centroid | AngleKind::View) {
            self.ray.fill(|k| matched[k].ray.unwrap_or([f64::NAN; 3]), count);
            self.image_ray.fill(|k| matched[k].image_ray.unwrap_or([f64::NAN; 3]), count);
        }
        let room = (TOGETHER + count + FEW).next_multiple_of(LANES);
        let Self { distance, length, parts: [a, b], image_parts: [c, d], kernel, value, .. } = self;
        for column in [distance, length, a, b, c, d, kernel, value] {
            if column.len() < room {
                column.resize(room, 0.0);
            }
        }
        wide(
            #[inline(always)]
            || {
                let (mut sums, mut filled) = ([0.0; LANES], 0);
                for first in 0..count {
                    self.lay_row(rules, matched, first, filled);
                    filled += count - first - 1;
                    if filled >= TOGETHER || first + 1 == count {
                        self.compute(rules, filled, &mut sums);
                        filled = 0;
                    }
                }
                sums.iter().sum()
            },
        )
    }

    /// Writes what the pairs of a node and all after it are made of.
    #[inline(always)]
    fn lay_row(&mut self, rules: &Rules<'_>, matched: &[Matched], first: usize, start: usize) {
        let others = &matched[first + 1..];
        let rank = matched[first].rank;
        // Where the distance to the node of rank 0 would stand.
        let base = rank * (2 * rules.nodes - rank - 1) / 2;
        let distances = &mut self.distance[start..start + others.len()];
        if others.last().is_some_and(|last| last.rank - rank == others.len()) {
            distances.copy_from_slice(&rules.distances[base..base + others.len()]);
        } else {
            for (d, node) in distances.iter_mut().zip(others) {
                *d = rules.distances[base + node.rank - rank - 1];
            }
        }
        let row = start..start + others.len().next_multiple_of(FEW);
        let image = self.reply.at(first);
        lay(&mut self.length[row.clone()], self.reply.after(first), |few, k| square(sub(one(few, k), image)));
        let ([a, b], [c, d]) = (&mut self.parts, &mut self.image_parts);
        let [a, b, c, d] = [a, b, c, d].map(|column| &mut column[row.clone()]);
        match rules.angle {
            AngleKind::Elevation(up) => {
                for (points, level, rise) in [(&self.reference, a, b), (&self.reply, c, d)] {
                    let here = points.at(first);
                    lay(level, points.after(first), |few, k| square(horizontal(sub(one(few, k), here), up)));
                    lay(rise, points.after(first), |few, k| dot(sub(one(few, k), here), up));
                }
            }
            AngleKind::Centroid | AngleKind::View => {
                for (rays, cosine, sine) in [(&self.ray, a, b), (&self.image_ray, c, d)] {
                    let here = rays.at(first);
                    lay(cosine, rays.after(first), |few, k| dot(here, one(few, k)));
                    lay(sine, rays.after(first), |few, k| square(cross(here, one(few, k))));
                }
            }
            AngleKind::Image => {
                let here = self.reference.at(first);
                let both = self.reference.after(first).zip(self.reply.after(first));
                lay(a, both, |(few, images), k| dot(sub(one(few, k), here), sub(one(images, k), image)));
            }
        }
    }

    /// The terms of the pairs that are laid out, added lane by lane.
    #[inline(always)]
    fn compute(&mut self, rules: &Rules<'_>, filled: usize, sums: &mut [f64; LANES]) {
        let count = filled.next_multiple_of(LANES);
        let (distances, lengths) = (&self.distance[..count], &mut self.length[..count]);
        let (kernels, values) = (&mut self.kernel[..count], &mut self.value[..count]);
        let [a, b] = &self.parts;
        let [c, d] = &self.image_parts;
        let (a, b, c, d) = (&a[..count], &b[..count], &c[..count], &d[..count]);
        for length in &mut *lengths {
            *length = length.sqrt();
        }
        // Each kernel known where its loop is compiled: no choice within.
        match rules.term.kernel {
            EdgeKernel::Exp => rules.fill_kernels(EdgeKernel::Exp, distances, lengths, kernels),
            EdgeKernel::Linear => rules.fill_kernels(EdgeKernel::Linear, distances, lengths, kernels),
            EdgeKernel::Ratio => rules.fill_kernels(EdgeKernel::Ratio, distances, lengths, kernels),
            EdgeKernel::Relative => rules.fill_kernels(EdgeKernel::Relative, distances, lengths, kernels),
            EdgeKernel::Mra => rules.fill_kernels(EdgeKernel::Mra, distances, lengths, kernels),
        }
        match rules.angle {
            AngleKind::Elevation(_) => {
                for k in 0..count {
                    let angle = half(((a[k] * c[k]).sqrt() + b[k] * d[k]) / (distances[k] * lengths[k]));
                    values[k] = rules.value(kernels[k], rules.directed(distances[k], lengths[k] * rules.scale), angle);
                }
            }
            AngleKind::Centroid | AngleKind::View => {
                for k in 0..count {
                    let angle = half(a[k] * c[k] + (b[k] * d[k]).sqrt());
                    values[k] = rules.value(kernels[k], (!a[k].is_nan(), !c[k].is_nan()), angle);
                }
            }
            AngleKind::Image => {
                for k in 0..count {
                    let angle = half(a[k] / (distances[k] * lengths[k]));
                    values[k] = rules.value(kernels[k], rules.directed(distances[k], lengths[k]), angle);
                }
            }
        }
        values[filled..].fill(0.0);
        for values in values.as_chunks::<LANES>().0 {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value;
            }
        }
    }
}

/// (1 + c) / 2.
#[inline(always)]
fn half(cosine: f64) -> f64 {
    0.5 + 0.5 * cosine
}

impl Rules<'_> {
    /// Kernels of the distances; `kernel` is the term's own.
    #[inline(always)]
    fn fill_kernels(&self, kernel: EdgeKernel, distances: &[f64], lengths: &[f64], kernels: &mut [f64]) {
        let term = EdgeTerm { kernel, ..self.term };
        let columns = distances.as_chunks::<LANES>().0.iter().zip(lengths.as_chunks::<LANES>().0);
        for (kernels, (distances, lengths)) in kernels.as_chunks_mut::<LANES>().0.iter_mut().zip(columns) {
            *kernels = term.several(*distances, lengths.map(|length| length * self.scale));
        }
    }

    /// Whether the lengths of the reference and of the reply are long enough for a direction.
    #[inline(always)]
    fn directed(&self, length: f64, image: f64) -> (bool, bool) {
        (length >= self.shortest, image >= self.shortest)
    }

    /// A pair's term; `has`: the reference's pair has an angle, and the reply's.
    #[inline(always)]
    fn value(&self, kernel: f64, has: (bool, bool), angle: f64) -> f64 {
        let weight = self.angle_weight;
        let both = (1.0 - weight) * kernel + weight * if has.1 { angle } else { 0.0 };
        if has.0 { both } else { kernel }
    }
}
