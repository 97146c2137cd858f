//! The terms of `edge` for one node and all after it, in loops for wide registers: the arithmetic of [`super::edge`] to the bit.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::edge::{Direction, Matched, between, half_cosine};
use super::kernels::{EdgeTerm, exp};
use crate::geometry::{Vec3, distance, dot, grid, horizontal, norm, sub};
use crate::plan::{AngleKind, NEAR};
use crate::spec::EdgeKernel;
use crate::wide::wide;

/// What the terms of a frame depend on beside its nodes.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) term: EdgeTerm,
    pub(super) angle: AngleKind,
    pub(super) angle_weight: f64,
    /// Of the motion.
    pub(super) scale: f64,
    /// Of the pairs of the frame's `nodes`, row by row.
    pub(super) distances: &'a [f64],
    pub(super) nodes: usize,
}

/// Points by coordinate.
#[derive(Clone, Debug, Default)]
struct Columns([Vec<f64>; 3]);

impl Columns {
    fn fill(&mut self, points: impl Fn(usize) -> Vec3, count: usize) {
        for (axis, column) in self.0.iter_mut().enumerate() {
            column.clear();
            column.extend((0..count).map(|k| points(k)[axis]));
        }
    }

    #[inline(always)]
    fn after(&self, first: usize) -> [&[f64]; 3] {
        [&self.0[0][first..], &self.0[1][first..], &self.0[2][first..]]
    }
}

#[inline(always)]
fn at(columns: [&[f64]; 3], k: usize) -> Vec3 {
    [columns[0][k], columns[1][k], columns[2][k]]
}

/// Reused memory: a column each of what belongs to the matched nodes, and of the terms of one row.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    reference: Columns,
    reply: Columns,
    ray: Columns,
    image_ray: Columns,
    /// 1 where there is a ray, else 0.
    has_ray: Vec<f64>,
    has_image_ray: Vec<f64>,
    distance: Vec<f64>,
    kernel: Vec<f64>,
    value: Vec<f64>,
}

impl Rows {
    /// The sum over the pairs of matched nodes, in their order.
    pub(super) fn sum(&mut self, rules: &Rules<'_>, matched: &[Matched]) -> f64 {
        self.reference.fill(|k| matched[k].reference, matched.len());
        self.reply.fill(|k| matched[k].reply, matched.len());
        if matches!(rules.angle, AngleKind::Centroid | AngleKind::View) {
            let flag = |ray: Option<Vec3>| f64::from(u8::from(ray.is_some()));
            self.ray.fill(|k| matched[k].ray.unwrap_or_default(), matched.len());
            self.image_ray.fill(|k| matched[k].image_ray.unwrap_or_default(), matched.len());
            self.has_ray.clear();
            self.has_ray.extend(matched.iter().map(|node| flag(node.ray)));
            self.has_image_ray.clear();
            self.has_image_ray.extend(matched.iter().map(|node| flag(node.image_ray)));
        }
        for column in [&mut self.distance, &mut self.kernel, &mut self.value] {
            column.resize(matched.len(), 0.0);
        }
        wide(
            #[inline(always)]
            || {
                let mut total = 0.0;
                for first in 0..matched.len() {
                    let count = matched.len() - first - 1;
                    let rank = matched[first].rank;
                    // Where the distance to the node of rank 0 would stand.
                    let start = rank * (2 * rules.nodes - rank - 1) / 2;
                    for (d, node) in self.distance.iter_mut().zip(&matched[first + 1..]) {
                        *d = rules.distances[start + node.rank - rank - 1];
                    }
                    self.kernels(rules, first, count);
                    match rules.angle {
                        AngleKind::Elevation(up) => self.elevations(rules, up, first, count),
                        AngleKind::Image => self.turns(rules, first, count),
                        AngleKind::Centroid | AngleKind::View => self.openings(rules, first, count),
                    }
                    total = self.value[..count].iter().fold(total, |total, value| total + value);
                }
                total
            },
        )
    }

    #[inline(always)]
    fn kernels(&mut self, rules: &Rules<'_>, first: usize, count: usize) {
        let here = at(self.reply.after(first), 0);
        let reply = self.reply.after(first + 1).map(|column| &column[..count]);
        let (distances, kernels) = (&self.distance[..count], &mut self.kernel[..count]);
        let EdgeTerm { kernel, s, scale } = rules.term;
        if kernel == EdgeKernel::Exp {
            for k in 0..count {
                let image = distance(here, at(reply, k)) * rules.scale;
                kernels[k] = exp(-(distances[k] - image).abs() / scale / s);
            }
        } else {
            for k in 0..count {
                kernels[k] = rules.term.of(distances[k], distance(here, at(reply, k)) * rules.scale);
            }
        }
    }

    #[inline(always)]
    fn elevations(&mut self, rules: &Rules<'_>, up: Vec3, first: usize, count: usize) {
        let (reference, reply) = (at(self.reference.after(first), 0), at(self.reply.after(first), 0));
        let references = self.reference.after(first + 1).map(|column| &column[..count]);
        let replies = self.reply.after(first + 1).map(|column| &column[..count]);
        let (distances, kernels) = (&self.distance[..count], &self.kernel[..count]);
        let values = &mut self.value[..count];
        for k in 0..count {
            let (edge, image) = (sub(at(references, k), reference), sub(at(replies, k), reply));
            let (length, image_length) = (distances[k], norm(image));
            let elevation = |edge: Vec3, length: f64| -> Direction {
                (norm(horizontal(edge, up)) / length, dot(edge, up) / length)
            };
            let angle = half_cosine(elevation(edge, length), elevation(image, image_length));
            let has = (rules.directed(length, 1.0), rules.directed(image_length, rules.scale));
            values[k] = rules.value(kernels[k], has, angle);
        }
    }

    #[inline(always)]
    fn turns(&mut self, rules: &Rules<'_>, first: usize, count: usize) {
        let (reference, reply) = (at(self.reference.after(first), 0), at(self.reply.after(first), 0));
        let references = self.reference.after(first + 1).map(|column| &column[..count]);
        let replies = self.reply.after(first + 1).map(|column| &column[..count]);
        let (distances, kernels) = (&self.distance[..count], &self.kernel[..count]);
        let values = &mut self.value[..count];
        for k in 0..count {
            let (edge, image) = (sub(at(references, k), reference), sub(at(replies, k), reply));
            let (length, image_length) = (distances[k], norm(image));
            let angle = 0.5 + 0.5 * (dot(edge, image) / (length * image_length));
            values[k] =
                rules.value(kernels[k], (rules.directed(length, 1.0), rules.directed(image_length, 1.0)), angle);
        }
    }

    #[inline(always)]
    fn openings(&mut self, rules: &Rules<'_>, first: usize, count: usize) {
        let (ray, image_ray) = (at(self.ray.after(first), 0), at(self.image_ray.after(first), 0));
        let rays = self.ray.after(first + 1).map(|column| &column[..count]);
        let image_rays = self.image_ray.after(first + 1).map(|column| &column[..count]);
        let (here, image_here) = (self.has_ray[first], self.has_image_ray[first]);
        let (has_ray, has_image_ray) = (&self.has_ray[first + 1..][..count], &self.has_image_ray[first + 1..][..count]);
        let (kernels, values) = (&self.kernel[..count], &mut self.value[..count]);
        // Two loops: one that reads so many columns is not compiled for wide registers.
        for (k, value) in values.iter_mut().enumerate() {
            *value = half_cosine(between(ray, at(rays, k)), between(image_ray, at(image_rays, k)));
        }
        for k in 0..count {
            let has = (here * has_ray[k] > 0.0, image_here * has_image_ray[k] > 0.0);
            values[k] = rules.value(kernels[k], has, values[k]);
        }
    }
}

impl Rules<'_> {
    /// Whether a length is long enough for a direction.
    #[inline(always)]
    fn directed(&self, length: f64, scale: f64) -> bool {
        grid(length * scale / self.term.scale) >= grid(NEAR)
    }

    /// A pair's term; `has`: the reference's pair has an angle, and the reply's.
    #[inline(always)]
    fn value(&self, kernel: f64, has: (bool, bool), angle: f64) -> f64 {
        let weight = self.angle_weight;
        let both = (1.0 - weight) * kernel + weight * if has.1 { angle } else { 0.0 };
        if has.0 { both } else { kernel }
    }
}
