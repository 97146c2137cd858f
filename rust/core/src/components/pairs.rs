//! The terms of `edge` for the pairs of a frame, in columns for wide registers: those of [`super::edge`] but for the last bits,
//! and the same on every processor.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::kernels::EdgeTerm;
use crate::assign::NONE;
use crate::geometry::{Points, Vec3};
use crate::lanes::{LANES, Lanes, add_kept, by_axis, each, edges, filled, images, kept, squares};
use crate::plan::AngleKind;
use crate::spec::EdgeKernel;
use crate::wide::{Vectored, vectored, wide};
use fearless_simd::Simd;

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
    /// Of the pairs of the frame's nodes, see [`crate::plan::FramePlan`].
    pub(super) distances: &'a [Lanes],
}

/// All bits of the lanes from one on.
#[inline(always)]
fn from(lane: usize) -> [u64; LANES] {
    const BITS: [u64; 2 * LANES] = {
        let mut bits = [0; 2 * LANES];
        let mut lane = LANES;
        while lane < 2 * LANES {
            bits[lane] = u64::MAX;
            lane += 1;
        }
        bits
    };
    *BITS[LANES - lane..].first_chunk().expect("twice as many as lanes")
}

#[inline(always)]
fn roots(squares: &Lanes) -> Lanes {
    each(|k| squares[k].sqrt())
}

#[inline(always)]
fn dots([x, y, z]: &[Lanes; 3], a: Vec3) -> Lanes {
    each(|k| x[k] * a[0] + y[k] * a[1] + z[k] * a[2])
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

/// Nodes of a frame of the reference beside their partners, side by side; anything where a node has none.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Group {
    /// All bits where there is a partner.
    kept: [u64; LANES],
    reference: [Lanes; 3],
    reply: [Lanes; 3],
    /// The rays to both, unit vectors; NaN where there is none.
    ray: [Lanes; 3],
    image_ray: [Lanes; 3],
}

/// One of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) reference: Vec3,
    pub(super) reply: Vec3,
    pub(super) ray: Vec3,
    pub(super) image_ray: Vec3,
}

/// Where rays begin.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// Nowhere: there are none.
    Nowhere,
    /// At the mean of the matched nodes; there are none where fewer than three are matched.
    Mean,
    /// At this point, in the reply too, whose nodes are taken as moved.
    Point(Vec3, &'a Points),
}

/// The nodes of a frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    /// Places in the frame of those that have a partner.
    pub(super) matched: Vec<u32>,
    groups: Vec<Group>,
}

impl Nodes {
    /// Takes the nodes of a frame with their partners. Ways shorter than `shortest` have no direction, those of the reply as
    /// they are moved: times `scale`.
    pub(super) fn take(
        &mut self,
        references: &[Vec3],
        partners: &[u32],
        written: &Points,
        origin: Origin<'_>,
        shortest: f64,
        scale: f64,
    ) {
        self.groups.resize(partners.len().div_ceil(LANES), Group::default());
        self.matched.clear();
        self.matched.resize(partners.len(), 0);
        wide(
            #[inline(always)]
            || {
                let (mut found, mut place) = (0, 0);
                let some = references.chunks(LANES).zip(partners.chunks(LANES));
                for (group, (references, partners)) in self.groups.iter_mut().zip(some) {
                    let partners = filled(partners, NONE);
                    for &partner in &partners {
                        if let Some(matched) = self.matched.get_mut(found) {
                            *matched = place;
                        }
                        found += usize::from(partner != NONE);
                        place += 1;
                    }
                    group.kept = kept(&partners);
                    group.reference = by_axis(&filled(references, [0.0; 3]));
                    group.reply = images(written, &partners);
                    if let Origin::Point(from, moved) = origin {
                        group.ray = aimed(&group.reference, from, 1.0, shortest);
                        group.image_ray = aimed(&images(moved, &partners), from, 1.0, shortest);
                    } else {
                        (group.ray, group.image_ray) = ([[f64::NAN; LANES]; 3], [[f64::NAN; LANES]; 3]);
                    }
                }
                self.matched.truncate(found);
                if matches!(origin, Origin::Mean) && found >= 3 {
                    let from = self.mean(|group| &group.reference);
                    let image_from = self.mean(|group| &group.reply);
                    for group in &mut self.groups {
                        group.ray = aimed(&group.reference, from, 1.0, shortest);
                        group.image_ray = aimed(&group.reply, image_from, scale, shortest);
                    }
                }
            },
        );
    }

    /// The mean over the matched nodes.
    #[inline(always)]
    fn mean(&self, points: impl Fn(&Group) -> &[Lanes; 3]) -> Vec3 {
        let mut sums = [[0.0; LANES]; 3];
        for group in &self.groups {
            for (sums, axis) in sums.iter_mut().zip(points(group)) {
                add_kept(sums, axis, &group.kept);
            }
        }
        let share = 1.0 / self.matched.len() as f64;
        sums.map(|sums| sums.iter().sum::<f64>() * share)
    }

    #[inline(always)]
    pub(super) fn at(&self, place: usize) -> Node {
        let (group, lane) = (&self.groups[place / LANES], place % LANES);
        let point = |axes: &[Lanes; 3]| [axes[0][lane], axes[1][lane], axes[2][lane]];
        Node {
            reference: point(&group.reference),
            reply: point(&group.reply),
            ray: point(&group.ray),
            image_ray: point(&group.image_ray),
        }
    }

    /// The sum over the pairs of matched nodes, in as many partial sums as there are lanes.
    pub(super) fn sum(&self, rules: &Rules<'_>) -> f64 {
        match rules.term.kernel {
            EdgeKernel::Exp => self.sum_of::<EXP>(rules),
            EdgeKernel::Linear => self.sum_of::<LINEAR>(rules),
            EdgeKernel::Ratio => self.sum_of::<RATIO>(rules),
            EdgeKernel::Relative => self.sum_of::<RELATIVE>(rules),
            EdgeKernel::Mra => self.sum_of::<MRA>(rules),
        }
    }

    fn sum_of<const KERNEL: usize>(&self, rules: &Rules<'_>) -> f64 {
        let (nodes, rules) = (self, *rules);
        match rules.angle {
            AngleKind::Centroid | AngleKind::View => vectored(Sum::<KERNEL, RAYS> { nodes, rules }),
            AngleKind::Elevation(_) => vectored(Sum::<KERNEL, ELEVATIONS> { nodes, rules }),
            AngleKind::Image => vectored(Sum::<KERNEL, DIRECTIONS> { nodes, rules }),
        }
    }

    #[inline(always)]
    fn add_up<S: Simd>(&self, simd: S, rules: &Rules<'_>) -> f64 {
        let mut sums = [0.0; LANES];
        let (mut done, mut lines) = (0, rules.distances);
        for (group, start) in self.groups.iter().zip((0..).step_by(LANES)) {
            let (here, rest) = lines.split_at(start + LANES);
            lines = rest;
            // The rows before this group, then those in it, each with the columns behind it.
            let mut before = [0.0; LANES];
            for &row in &self.matched[..done] {
                let values = rules.values(simd, self.at(row as usize), group, &here[row as usize]);
                before = each(|k| before[k] + values[k]);
            }
            add_kept(&mut sums, &before, &group.kept);
            for &row in self.matched[done..].iter().take_while(|row| (**row as usize) < start + LANES) {
                let behind = from(row as usize - start + 1);
                let values = rules.values(simd, self.at(row as usize), group, &here[row as usize]);
                add_kept(&mut sums, &values, &each(|k| group.kept[k] & behind[k]));
                done += 1;
            }
        }
        sums.iter().sum()
    }
}

/// Kernels and angles by number: each pair of them has loops of its own.
const EXP: usize = 0;
const LINEAR: usize = 1;
const RATIO: usize = 2;
const RELATIVE: usize = 3;
const MRA: usize = 4;
const KERNELS: [EdgeKernel; 5] =
    [EdgeKernel::Exp, EdgeKernel::Linear, EdgeKernel::Ratio, EdgeKernel::Relative, EdgeKernel::Mra];
const RAYS: usize = 0;
const ELEVATIONS: usize = 1;
const DIRECTIONS: usize = 2;

struct Sum<'a, const KERNEL: usize, const ANGLE: usize> {
    nodes: &'a Nodes,
    rules: Rules<'a>,
}

impl<const KERNEL: usize, const ANGLE: usize> Vectored for Sum<'_, KERNEL, ANGLE> {
    type Out = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let Self { nodes, rules } = self;
        let angle = match (ANGLE, rules.angle) {
            (ELEVATIONS, AngleKind::Elevation(up)) => AngleKind::Elevation(up),
            (DIRECTIONS, _) => AngleKind::Image,
            _ => AngleKind::Centroid,
        };
        let term = EdgeTerm { kernel: KERNELS[KERNEL], ..rules.term };
        nodes.add_up(simd, &Rules { term, angle, ..rules })
    }
}

/// A node, and its pairs with those of a group.
struct Pairs<'a> {
    node: Node,
    group: &'a Group,
    distances: &'a Lanes,
    edges: [Lanes; 3],
    lengths: Lanes,
}

/// The kernel of an angle: NaN where the pair of the reference has none, zero where only that of the reply has none.
#[inline(always)]
fn where_both(reference: bool, image: bool, kernel: f64) -> f64 {
    let kernel = if image { kernel } else { 0.0 };
    if reference { kernel } else { f64::NAN }
}

/// Unit vectors from a point, NaN where the way, times `scale`, is shorter than `shortest`.
#[inline(always)]
fn aimed(points: &[Lanes; 3], from: Vec3, scale: f64, shortest: f64) -> [Lanes; 3] {
    let ways = edges(points, from);
    let lengths = roots(&squares(&ways));
    let inverse: Lanes = each(|k| if lengths[k] * scale >= shortest { 1.0 / lengths[k] } else { f64::NAN });
    [each(|k| ways[0][k] * inverse[k]), each(|k| ways[1][k] * inverse[k]), each(|k| ways[2][k] * inverse[k])]
}

/// (1 + c) / 2.
#[inline(always)]
fn half(cosine: f64) -> f64 {
    0.5 + 0.5 * cosine
}

/// Between rays.
#[inline(always)]
fn angles_of_rays(pairs: &Pairs<'_>) -> Lanes {
    let Pairs { node, group, .. } = pairs;
    let (a, c) = (dots(&group.ray, node.ray), dots(&group.image_ray, node.image_ray));
    let (b, d) = (squares(&crosses(&group.ray, node.ray)), squares(&crosses(&group.image_ray, node.image_ray)));
    each(|k| where_both(!a[k].is_nan(), !c[k].is_nan(), half(a[k] * c[k] + (b[k] * d[k]).sqrt())))
}

impl Rules<'_> {
    #[inline(always)]
    fn elevations(&self, pairs: &Pairs<'_>, up: Vec3) -> Lanes {
        let Pairs { node, group, distances, edges: images, lengths } = pairs;
        let here = edges(&group.reference, node.reference);
        let (b, d) = (dots(&here, up), dots(images, up));
        let (a, c) = (levels(&here, &b, up), levels(images, &d, up));
        each(|k| {
            let angle = half(((a[k] * c[k]).sqrt() + b[k] * d[k]) / (distances[k] * lengths[k]));
            where_both(distances[k] >= self.shortest, lengths[k] * self.scale >= self.shortest, angle)
        })
    }

    /// Of edges in the image.
    #[inline(always)]
    fn directions(&self, pairs: &Pairs<'_>) -> Lanes {
        let Pairs { node, group, distances, edges: [x, y, z], lengths } = pairs;
        let here = edges(&group.reference, node.reference);
        let a: Lanes = each(|k| here[0][k] * x[k] + here[1][k] * y[k] + here[2][k] * z[k]);
        each(|k| {
            let angle = half(a[k] / (distances[k] * lengths[k]));
            where_both(distances[k] >= self.shortest, lengths[k] >= self.shortest, angle)
        })
    }

    /// The terms of a node's pairs with those of a group.
    #[inline(always)]
    fn values<S: Simd>(&self, simd: S, node: Node, group: &Group, distances: &Lanes) -> Lanes {
        let edges = edges(&group.reply, node.reply);
        let lengths = roots(&squares(&edges));
        let kernels = self.term.several(simd, distances, &each(|k| lengths[k] * self.scale));
        let pairs = Pairs { node, group, distances, edges, lengths };
        let angles = match self.angle {
            AngleKind::Centroid | AngleKind::View => angles_of_rays(&pairs),
            AngleKind::Elevation(up) => self.elevations(&pairs, up),
            AngleKind::Image => self.directions(&pairs),
        };
        let weight = self.angle_weight;
        each(|k| {
            let both = (1.0 - weight) * kernels[k] + weight * angles[k];
            if angles[k].is_nan() { kernels[k] } else { both }
        })
    }
}
