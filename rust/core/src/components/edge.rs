//! `edge`: distances and angles of the pairs of nodes.

#![expect(clippy::inline_always, reason = "what `pairs` shares must be inlined into its wide loops")]

use crate::assign::NONE;
use crate::components::Context;
use crate::components::pairs::{Node, Nodes, Origin, Rules};
use crate::geometry::{Points, Vec3, cross, distance, dot, horizontal, norm, sub};
use crate::plan::AngleKind;
use crate::spec::{Edges, Norm};

/// Where the reply's nodes lie for `edge`: as written, and moved with the scale that the motion has.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) written: &'a Points,
    pub(crate) moved: &'a Points,
    pub(crate) scale: f64,
}

/// Cosine and sine of an angle.
pub(super) type Direction = (f64, f64);

/// A matched node: its place in the frame, both points, and the rays to them (unit vectors) where they have a direction.
#[derive(Clone, Copy, Debug)]
struct Matched {
    rank: usize,
    reference: Vec3,
    reply: Vec3,
    ray: Option<Vec3>,
    image_ray: Option<Vec3>,
}

/// A stated edge between partners of the nodes `first` < `second` of the frame.
#[derive(Clone, Copy, Debug)]
struct Stated {
    first: u32,
    second: u32,
    distance: f64,
    angle: Option<f64>,
}

/// One pair's part of the sum, for explanations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PairTerm {
    /// Places of the nodes in the frame.
    pub(crate) first: usize,
    pub(crate) second: usize,
    /// Distances of the reference and of the reply.
    pub(crate) distance: f64,
    pub(crate) image: f64,
    pub(crate) distance_kernel: f64,
    /// None where the reference's pair has no angle.
    pub(crate) angle_kernel: Option<f64>,
    pub(crate) value: f64,
}

/// Reused memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeScratch {
    nodes: Nodes,
    stated: Vec<Stated>,
    rank_of: Vec<u32>,
}

/// The component of one frame with at least two reference nodes.
pub(crate) fn frame(
    context: &Context<'_>,
    scratch: &mut EdgeScratch,
    frame: usize,
    partners: &[u32],
    placed: Placed<'_>,
) -> f64 {
    let pairs = |n: usize| n * n.saturating_sub(1) / 2;
    let references = pairs(context.scene.frames[frame].nodes.len());
    let predicted = match context.spec.edges {
        Edges::Derived => pairs(context.predicted(frame)),
        Edges::Stated => {
            context.graph.frames.get(context.layout.partner[frame] as usize).map_or(0, |reply| reply.edges.len())
        }
    };
    let size = match context.spec.edge_norm {
        Norm::Both => references.max(predicted),
        Norm::Reference => references,
    };
    sum(context, scratch, frame, partners, placed) / size as f64
}

/// Sum over the frame's pairs with both ends matched.
pub(crate) fn sum(
    context: &Context<'_>,
    scratch: &mut EdgeScratch,
    frame: usize,
    partners: &[u32],
    placed: Placed<'_>,
) -> f64 {
    match context.spec.edges {
        Edges::Derived => scratch.derived(context, frame, partners, placed),
        Edges::Stated => show(context, scratch, frame, partners, placed, &mut |_| {}),
    }
}

/// The same sum but for the last bits, in canonical order; each pair is also shown to `see`.
pub(crate) fn show(
    context: &Context<'_>,
    scratch: &mut EdgeScratch,
    frame: usize,
    partners: &[u32],
    placed: Placed<'_>,
    see: &mut dyn FnMut(PairTerm),
) -> f64 {
    scratch.match_nodes(context, frame, partners, placed);
    let weight = context.spec.angle_weight;
    let mut total = 0.0;
    let mut add = |a: &Matched, b: &Matched, image: f64, angle_kernel: Option<f64>| {
        let d = reference_distance(context, frame, a, b);
        let kernel = context.edge.of(d, image);
        let value = angle_kernel.map_or(kernel, |angle| (1.0 - weight) * kernel + weight * angle);
        total += value;
        see(PairTerm {
            first: a.rank,
            second: b.rank,
            distance: d,
            image,
            distance_kernel: kernel,
            angle_kernel,
            value,
        });
    };
    match context.spec.edges {
        Edges::Derived => {
            let matched: Vec<Matched> = scratch.nodes.matched.iter().map(|&rank| scratch.matched(rank)).collect();
            for (k, a) in matched.iter().enumerate() {
                for b in &matched[k + 1..] {
                    let angle = angle_kernel(context, frame, a, b, placed.scale);
                    add(a, b, distance(a.reply, b.reply) * placed.scale, angle);
                }
            }
        }
        Edges::Stated => {
            scratch.find_stated(context, frame, partners);
            for edge in &scratch.stated {
                let (a, b) = (scratch.matched(edge.first), scratch.matched(edge.second));
                let angle = reference_angle(context, frame, &a, &b).map(|angle| match edge.angle {
                    Some(image) if context.plan().angle != AngleKind::Image => {
                        let image = image.to_radians();
                        half_cosine(angle, (image.cos(), image.sin()))
                    }
                    _ => 0.0,
                });
                add(&a, &b, edge.distance, angle);
            }
        }
    }
    total
}

fn reference_distance(context: &Context<'_>, frame: usize, a: &Matched, b: &Matched) -> f64 {
    context.plan().frames[frame].distance(a.rank, b.rank)
}

/// (1 + cos(θ − θ̂)) / 2.
#[inline(always)]
pub(super) fn half_cosine(a: Direction, b: Direction) -> f64 {
    0.5 + 0.5 * (a.0 * b.0 + a.1 * b.1)
}

/// The angle's kernel; none where the reference's pair has no angle, 0 where only the reply's has none.
fn angle_kernel(context: &Context<'_>, frame: usize, a: &Matched, b: &Matched, scale: f64) -> Option<f64> {
    if context.plan().angle == AngleKind::Image {
        let (edge, image) = (sub(b.reference, a.reference), sub(b.reply, a.reply));
        let length = directed(context, reference_distance(context, frame, a, b), 1.0)?;
        let Some(image_length) = directed(context, norm(image), 1.0) else { return Some(0.0) };
        return Some(0.5 + 0.5 * (dot(edge, image) / (length * image_length)));
    }
    let angle = reference_angle(context, frame, a, b)?;
    let image = match context.plan().angle {
        AngleKind::Elevation(up) => elevation(context, sub(b.reply, a.reply), up, scale),
        _ => a.image_ray.zip(b.image_ray).map(|(p, q)| between(p, q)),
    };
    Some(image.map_or(0.0, |image| half_cosine(angle, image)))
}

fn reference_angle(context: &Context<'_>, frame: usize, a: &Matched, b: &Matched) -> Option<Direction> {
    match context.plan().angle {
        AngleKind::Elevation(up) => elevation(context, sub(b.reference, a.reference), up, 1.0),
        // The angle between the reference's edge and itself: it has one where the edge is long enough.
        AngleKind::Image => directed(context, reference_distance(context, frame, a, b), 1.0).map(|_| (1.0, 0.0)),
        _ => a.ray.zip(b.ray).map(|(p, q)| between(p, q)),
    }
}

/// A length, if it is long enough for a direction.
fn directed(context: &Context<'_>, length: f64, scale: f64) -> Option<f64> {
    (length * scale >= context.plan().shortest).then_some(length)
}

fn elevation(context: &Context<'_>, edge: Vec3, up: Vec3, scale: f64) -> Option<Direction> {
    let length = directed(context, norm(edge), scale)?;
    Some((norm(horizontal(edge, up)) / length, dot(edge, up) / length))
}

fn between(p: Vec3, q: Vec3) -> Direction {
    (dot(p, q), norm(cross(p, q)))
}

impl EdgeScratch {
    /// The sum for derived distances, many pairs at a time.
    fn derived(&mut self, context: &Context<'_>, frame: usize, partners: &[u32], placed: Placed<'_>) -> f64 {
        self.match_nodes(context, frame, partners, placed);
        let rules = Rules {
            term: context.edge,
            shortest: context.plan().shortest,
            angle: context.plan().angle,
            angle_weight: context.spec.angle_weight,
            scale: placed.scale,
            distances: &context.plan().frames[frame].distances,
        };
        self.nodes.sum(&rules)
    }

    fn match_nodes(&mut self, context: &Context<'_>, frame: usize, partners: &[u32], placed: Placed<'_>) {
        let nodes = context.scene.frames[frame].nodes.clone();
        let plan = context.plan();
        let origin = match plan.angle {
            AngleKind::Centroid => Origin::Mean,
            AngleKind::View => Origin::Point(plan.frames[frame].observer, placed.moved),
            _ => Origin::Nowhere,
        };
        let (references, partners) = (&context.scene.xyz[nodes.clone()], &partners[nodes]);
        self.nodes.take(references, partners, placed.written, origin, plan.shortest, placed.scale);
    }

    fn matched(&self, rank: u32) -> Matched {
        let Node { reference, reply, ray, image_ray } = self.nodes.at(rank as usize);
        let [ray, image_ray] = [ray, image_ray].map(|ray| Some(ray).filter(|ray| !ray[0].is_nan()));
        Matched { rank: rank as usize, reference, reply, ray, image_ray }
    }

    /// The stated edges whose ends are partners of matched nodes, in the order of the reference's pairs.
    fn find_stated(&mut self, context: &Context<'_>, frame: usize, partners: &[u32]) {
        self.stated.clear();
        let layout = context.layout;
        let partner = layout.partner[frame] as usize;
        let Some(nodes) = layout.frames.get(partner) else { return };
        self.rank_of.clear();
        self.rank_of.resize(nodes.len(), NONE);
        for &rank in &self.nodes.matched {
            let reference = context.scene.frames[frame].nodes.start + rank as usize;
            self.rank_of[partners[reference] as usize - nodes.start] = rank;
        }
        for edge in &context.graph.edges[context.graph.frames[partner].edges.clone()] {
            let rank = |source: u32| self.rank_of[layout.place[source as usize] as usize - nodes.start];
            let (a, b) = (rank(edge.a), rank(edge.b));
            if a != NONE && b != NONE {
                // An elevation is that of the way from the first end to the second.
                let turned = a > b && matches!(context.plan().angle, AngleKind::Elevation(_));
                let angle = edge.angle.map(|angle| if turned { -angle } else { angle });
                self.stated.push(Stated { first: a.min(b), second: a.max(b), distance: edge.distance, angle });
            }
        }
        self.stated.sort_by_key(|edge| (edge.first, edge.second));
    }
}
