//! The terms of `edge` for the pairs of a frame, in columns for wide registers: those of [`super::edge`] but for the last bits,
//! and the same on every processor.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::edge::Matched;
use super::kernels::EdgeTerm;
use crate::geometry::Vec3;
use crate::plan::AngleKind;
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

/// Pairs that are computed together; as many partial sums are kept.
const LANES: usize = 8;
type Lanes = [f64; LANES];

/// Points by coordinate, with as many more behind them as make the last few whole.
#[derive(Clone, Debug, Default)]
struct Columns([Vec<f64>; 3]);

impl Columns {
    fn fill(&mut self, points: impl Fn(usize) -> Vec3, count: usize) {
        for (axis, column) in self.0.iter_mut().enumerate() {
            column.clear();
            column.extend((0..count).map(|k| points(k)[axis]));
            column.resize(count + LANES, 0.0);
        }
    }

    #[inline(always)]
    fn at(&self, k: usize) -> Vec3 {
        [self.0[0][k], self.0[1][k], self.0[2][k]]
    }

    /// Eight points from one on, by coordinate.
    #[inline(always)]
    fn some(&self, first: usize) -> [Lanes; 3] {
        std::array::from_fn(|axis| lanes(&self.0[axis], first))
    }
}

#[inline(always)]
fn lanes(column: &[f64], first: usize) -> Lanes {
    *column[first..].first_chunk().expect("columns are filled up")
}

/// All bits of the first `left` lanes. Read, for comparing whole numbers and choosing by them takes many more steps.
#[inline(always)]
fn kept(left: usize) -> [u64; LANES] {
    const BITS: [u64; 2 * LANES] = {
        let mut bits = [0; 2 * LANES];
        let mut lane = 0;
        while lane < LANES {
            bits[lane] = u64::MAX;
            lane += 1;
        }
        bits
    };
    *BITS[LANES - left.min(LANES)..].first_chunk().expect("twice as many as lanes")
}

/// A number for each lane.
#[inline(always)]
fn each(of: impl Fn(usize) -> f64) -> Lanes {
    std::array::from_fn(of)
}

#[inline(always)]
fn edges([x, y, z]: &[Lanes; 3], from: Vec3) -> [Lanes; 3] {
    [each(|k| x[k] - from[0]), each(|k| y[k] - from[1]), each(|k| z[k] - from[2])]
}

#[inline(always)]
fn dots([x, y, z]: &[Lanes; 3], a: Vec3) -> Lanes {
    each(|k| x[k] * a[0] + y[k] * a[1] + z[k] * a[2])
}

#[inline(always)]
fn squares([x, y, z]: &[Lanes; 3]) -> Lanes {
    each(|k| x[k] * x[k] + y[k] * y[k] + z[k] * z[k])
}

#[inline(always)]
fn crosses([x, y, z]: &[Lanes; 3], a: Vec3) -> [Lanes; 3] {
    [each(|k| a[1] * z[k] - a[2] * y[k]), each(|k| a[2] * x[k] - a[0] * z[k]), each(|k| a[0] * y[k] - a[1] * x[k])]
}

/// Squared lengths of the level parts of edges whose rises are known.
#[inline(always)]
fn levels([x, y, z]: &[Lanes; 3], rises: &Lanes, up: Vec3) -> Lanes {
    squares(&[each(|k| x[k] - up[0] * rises[k]), each(|k| y[k] - up[1] * rises[k]), each(|k| z[k] - up[2] * rises[k])])
}

/// Reused memory: columns of the matched nodes, their places in the frame, and what is known of the pairs of one node.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    reference: Columns,
    reply: Columns,
    /// NaN where there is none.
    ray: Columns,
    image_ray: Columns,
    ranks: Vec<usize>,
    row: Vec<Known>,
}

/// Eight pairs: distances of the reference, lengths in the reply, and what both are worth; each on a cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Known {
    distances: Lanes,
    lengths: Lanes,
    kernels: Lanes,
}

impl Pairs {
    /// The sum over the pairs of matched nodes, in as many partial sums as there are lanes.
    pub(super) fn sum(&mut self, rules: &Rules<'_>, matched: &[Matched]) -> f64 {
        let count = matched.len();
        self.ranks.clear();
        self.ranks.extend(matched.iter().map(|node| node.rank));
        self.reply.fill(|k| matched[k].reply, count);
        if matches!(rules.angle, AngleKind::Centroid | AngleKind::View) {
            self.ray.fill(|k| matched[k].ray.unwrap_or([f64::NAN; 3]), count);
            self.image_ray.fill(|k| matched[k].image_ray.unwrap_or([f64::NAN; 3]), count);
        } else {
            self.reference.fill(|k| matched[k].reference, count);
        }
        self.row.resize(count.div_ceil(LANES), Known::default());
        let mut row = std::mem::take(&mut self.row);
        let sum = wide(
            #[inline(always)]
            || {
                let mut sums = [0.0; LANES];
                for first in 0..count {
                    let row = &mut row[..(count - first - 1).div_ceil(LANES)];
                    self.measure(rules, first, row);
                    for (known, start) in row.iter().zip((first + 1..).step_by(LANES)) {
                        let values = self.values(rules, first, start, known);
                        let kept = kept(count - start);
                        sums = each(|k| sums[k] + f64::from_bits(values[k].to_bits() & kept[k]));
                    }
                }
                sums.iter().sum()
            },
        );
        self.row = row;
        sum
    }

    /// What is known of the pairs of a node with those after it, in two loops: the steps of a kernel wait for each other, and
    /// in a short loop those of several pairs run beside each other.
    #[inline(always)]
    fn measure(&self, rules: &Rules<'_>, first: usize, row: &mut [Known]) {
        for (known, start) in row.iter_mut().zip((first + 1..).step_by(LANES)) {
            known.distances = self.distances(rules, first, start);
            known.lengths = squares(&edges(&self.reply.some(start), self.reply.at(first))).map(f64::sqrt);
        }
        for known in row {
            known.kernels = rules.term.several(known.distances, each(|k| known.lengths[k] * rules.scale));
        }
    }

    /// Distances of the reference from a node to those from another on.
    #[inline(always)]
    fn distances(&self, rules: &Rules<'_>, first: usize, start: usize) -> Lanes {
        let rank = self.ranks[first];
        // Where the distance to the node of rank 0 would stand, less one.
        let row = &rules.distances[rank * (2 * rules.nodes - rank - 1) / 2..];
        let others = &self.ranks[start..];
        match others.get(LANES - 1) {
            Some(last) if last - others[0] == LANES - 1 => lanes(&row[others[0] - rank - 1..], 0),
            _ => each(|k| others.get(k).map_or(0.0, |other| row[other - rank - 1])),
        }
    }

    /// The terms of a node and those from another on.
    #[inline(always)]
    fn values(&self, rules: &Rules<'_>, first: usize, start: usize, known: &Known) -> Lanes {
        let Known { distances, lengths, kernels } = known;
        let images = edges(&self.reply.some(start), self.reply.at(first));
        match rules.angle {
            AngleKind::Centroid | AngleKind::View => {
                let (rays, ray) = (self.ray.some(start), self.ray.at(first));
                let (image_rays, image_ray) = (self.image_ray.some(start), self.image_ray.at(first));
                let (a, c) = (dots(&rays, ray), dots(&image_rays, image_ray));
                let (b, d) = (squares(&crosses(&rays, ray)), squares(&crosses(&image_rays, image_ray)));
                let angles = each(|k| half(a[k] * c[k] + (b[k] * d[k]).sqrt()));
                rules.values(kernels, |k| (!a[k].is_nan(), !c[k].is_nan()), &angles)
            }
            AngleKind::Elevation(up) => {
                let here = edges(&self.reference.some(start), self.reference.at(first));
                let (b, d) = (dots(&here, up), dots(&images, up));
                let (a, c) = (levels(&here, &b, up), levels(&images, &d, up));
                let angles = each(|k| half(((a[k] * c[k]).sqrt() + b[k] * d[k]) / (distances[k] * lengths[k])));
                rules.values(kernels, |k| rules.directed(distances[k], lengths[k] * rules.scale), &angles)
            }
            AngleKind::Image => {
                let here = edges(&self.reference.some(start), self.reference.at(first));
                let [x, y, z] = &images;
                let a = each(|k| here[0][k] * x[k] + here[1][k] * y[k] + here[2][k] * z[k]);
                let angles = each(|k| half(a[k] / (distances[k] * lengths[k])));
                rules.values(kernels, |k| rules.directed(distances[k], lengths[k]), &angles)
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
    /// Whether the lengths of the reference and of the reply are long enough for a direction.
    #[inline(always)]
    fn directed(&self, length: f64, image: f64) -> (bool, bool) {
        (length >= self.shortest, image >= self.shortest)
    }

    /// The pairs' terms; `has`: whether the reference's pair has an angle, and the reply's.
    #[inline(always)]
    fn values(&self, kernels: &Lanes, has: impl Fn(usize) -> (bool, bool), angles: &Lanes) -> Lanes {
        let weight = self.angle_weight;
        each(|k| {
            let (reference, image) = has(k);
            let both = (1.0 - weight) * kernels[k] + weight * if image { angles[k] } else { 0.0 };
            if reference { both } else { kernels[k] }
        })
    }
}
