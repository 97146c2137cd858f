//! What a spec means for one reference: group, angle, alignment, and all that is computed from both alone.

use std::ops::Range;

use crate::geometry::{Turning, Vec3, cross, distance, dot, grid, horizontal, mean, norm, sub};
use crate::lanes::{LANES, Lanes, each};
use crate::reference::{Scene, Space};
use crate::spec::{AlignScope, Angle, FrameOfReference, Group, RewardSpec, SpecError};

/// How the angle of an edge is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum AngleKind {
    /// At the mean of the matched nodes of each side.
    #[default]
    Centroid,
    /// At the observer of the frame.
    View,
    /// Elevation of the edge over the horizontal of this unit vector.
    Elevation(Vec3),
    /// Between the edge and its image.
    Image,
}

/// Which tuples have a handedness.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Handedness {
    /// Quadruples, by the determinant.
    #[default]
    Volume,
    /// Triples, by the area seen from above along this unit vector.
    Area(Vec3),
}

/// The clearly oriented tuples of one frame that share all nodes but one. A triple repeats its first node.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    /// First, third and fourth, as places in [`Tuples::nodes`].
    pub(crate) shared: [u8; 3],
    /// The second nodes, in [`Tuples::seconds`].
    pub(crate) seconds: Range<usize>,
}

/// The second node of a tuple, as a place in [`Tuples::nodes`], and the sign of the tuple.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Second {
    pub(crate) place: u8,
    pub(crate) sign: f64,
}

/// The clearly oriented tuples of one frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tuples {
    /// Those that tuples are made of.
    pub(crate) nodes: Vec<u32>,
    pub(crate) faces: Vec<Face>,
    pub(crate) seconds: Vec<Second>,
}

impl Tuples {
    pub(crate) fn count(&self) -> usize {
        self.seconds.len()
    }
}

/// An object that is also in the frame before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) node: u32,
    pub(crate) before: u32,
    pub(crate) length: f64,
}

/// One frame's part of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct FramePlan {
    /// Distances of the pairs of the frame's nodes, for each group of nodes from each node up to the last of the group; 0 to
    /// those beyond the last node.
    pub(crate) distances: Vec<Lanes>,
    pub(crate) tuples: Tuples,
    pub(crate) steps: Vec<Step>,
    pub(crate) observer: Vec3,
    /// Whether `node` is defined.
    pub(crate) node_defined: bool,
}

impl FramePlan {
    /// Of two nodes of the frame, `a` before `b`.
    pub(crate) fn distance(&self, a: usize, b: usize) -> f64 {
        let group = b / LANES;
        // The groups before it have 8, 16, … lines.
        self.distances[LANES / 2 * group * (group + 1) + a][b % LANES]
    }
}

/// A reference pair that can start the search for a motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    /// Length on the grid, negative, so that the longest sorts first.
    pub(crate) shortness: f64,
    pub(crate) i: u32,
    pub(crate) j: u32,
}

impl Pair {
    /// Longest first, equals in canonical order.
    pub(crate) fn order(a: &Self, b: &Self) -> std::cmp::Ordering {
        a.shortness.total_cmp(&b.shortness).then((a.i, a.j).cmp(&(b.i, b.j)))
    }
}

/// What one motion moves.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) frames: Range<usize>,
    pub(crate) nodes: Range<usize>,
    /// The longest pairs, longest first.
    pub(crate) longest: Vec<Pair>,
    /// Whether `longest` holds every pair that is long enough.
    pub(crate) all_pairs: bool,
}

/// In units of D: what is nearer is in one place, and a ray that is shorter has no direction.
pub(crate) const NEAR: f64 = 1e-3;

/// The least length that is not [`NEAR`] on the grid: asked so, no length has to be divided by D.
fn shortest(scale: f64) -> f64 {
    let (mut below, mut from) = (0, f64::INFINITY.to_bits());
    while from - below > 1 {
        let middle = u64::midpoint(below, from);
        if grid(f64::from_bits(middle) / scale) >= grid(NEAR) {
            from = middle;
        } else {
            below = middle;
        }
    }
    f64::from_bits(from)
}

/// How many of the longest pairs a scope keeps.
const KEPT_PAIRS: usize = 4096;

/// Everything that follows from the spec and the reference.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) angle: AngleKind,
    /// From this length on a ray or an edge has a direction.
    pub(crate) shortest: f64,
    pub(crate) handedness: Handedness,
    /// The group of the alignment; none where coordinates are compared as written.
    pub(crate) turning: Option<Turning>,
    pub(crate) frames: Vec<FramePlan>,
    pub(crate) scopes: Vec<Scope>,
}

/// Of the frame's nodes farthest from its mean this many make tuples.
const FAR_NODES: usize = 24;
/// With equals at the cut up to this many.
pub(crate) const FAR_NODES_MOST: usize = 32;
/// Tuples that count; equals at the cut all do.
const TUPLES: usize = 512;
/// A tuple is clearly oriented over this share of D² or D³.
const CLEAR: f64 = 1e-2;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Free,
    Yaw,
    Plane,
    None,
}

const Z: Vec3 = [0.0, 0.0, 1.0];

impl Plan {
    pub(crate) fn new(scene: &Scene, spec: &RewardSpec) -> Result<Self, SpecError> {
        let kind = match (spec.group, scene.dim, scene.up) {
            (Group::None, ..) => Kind::None,
            (_, 2, _) => Kind::Plane,
            (Group::Auto | Group::Yaw, _, Some(_)) => Kind::Yaw,
            (Group::Yaw, _, None) => {
                return Err(SpecError::new(
                    "group",
                    "yaw turns about up, which this reference does not give; use auto or so3",
                ));
            }
            (Group::Auto | Group::So3, ..) => Kind::Free,
        };
        let up = scene.up.unwrap_or(Z);
        let camera = scene.space == Space::Camera;
        let angle = match (kind, spec.angle) {
            (Kind::None, _) => AngleKind::Image,
            (Kind::Yaw, _) => AngleKind::Elevation(up),
            (Kind::Free, Angle::View) => AngleKind::View,
            (Kind::Free, Angle::Auto) if camera => AngleKind::View,
            _ => AngleKind::Centroid,
        };
        if angle == AngleKind::View
            && !camera
            && let Some(frame) = scene.frames.iter().position(|frame| frame.observer.is_none())
        {
            let message = format!("view needs graph.frames[{frame}].observer or camera space; use centroid instead");
            return Err(SpecError::new("angle", message));
        }
        let handedness = match kind {
            _ if scene.dim == 2 => Handedness::Area(Z),
            Kind::Yaw => Handedness::Area(up),
            _ => Handedness::Volume,
        };
        let turning = match (spec.frame_of_reference, kind) {
            (FrameOfReference::Given, _) | (_, Kind::None) => None,
            (FrameOfReference::Auto, _) if scene.space != Space::World => None,
            (_, Kind::Free) => Some(Turning::Free),
            (_, Kind::Yaw) => Some(Turning::About(up)),
            (_, Kind::Plane) => Some(Turning::About(Z)),
        };
        let clip = match spec.align_scope {
            AlignScope::Clip => true,
            AlignScope::Frame => false,
            AlignScope::Auto => scene.space == Space::World,
        };
        let shortest = shortest(scene.scale);
        let mut plan = Self { angle, shortest, handedness, turning, frames: Vec::new(), scopes: Vec::new() };
        plan.add_scopes(scene, clip);
        for index in 0..scene.frames.len() {
            let frame = plan.frame(scene, index, clip);
            plan.frames.push(frame);
        }
        Ok(plan)
    }

    fn add_scopes(&mut self, scene: &Scene, clip: bool) {
        let ranges: Vec<(Range<usize>, Range<usize>)> = if clip {
            vec![(0..scene.frames.len(), 0..scene.xyz.len())]
        } else {
            scene.frames.iter().enumerate().map(|(i, frame)| (i..i + 1, frame.nodes.clone())).collect()
        };
        for (frames, nodes) in ranges {
            let (longest, all_pairs) =
                self.turning.map_or((Vec::new(), true), |turning| longest_pairs(scene, turning, nodes.clone()));
            self.scopes.push(Scope { frames, nodes, longest, all_pairs });
        }
    }

    fn frame(&self, scene: &Scene, index: usize, clip: bool) -> FramePlan {
        let nodes = scene.frames[index].nodes.clone();
        let scope = if clip { 0 } else { index };
        let points = &scene.xyz[nodes.clone()];
        let groups = (0..points.len()).step_by(LANES);
        let lines = groups.flat_map(|start| (0..start + LANES).map(move |i| (i, start)));
        let to = |p: Vec3, j: usize| points.get(j).map_or(0.0, |&q| distance(p, q));
        let line = |(i, start)| each(|k| points.get(i).map_or(0.0, |&p| to(p, start + k)));
        let distances = lines.map(line).collect();
        FramePlan {
            distances,
            tuples: self.tuples(scene, nodes),
            steps: steps(scene, index),
            observer: scene.frames[index].observer.unwrap_or([0.0; 3]),
            node_defined: self.turning.is_none() || spread(scene, self.scopes[scope].nodes.clone()),
        }
    }

    fn tuples(&self, scene: &Scene, nodes: Range<usize>) -> Tuples {
        let nodes = far_nodes(scene, nodes);
        let points: Vec<Vec3> = nodes.iter().map(|&i| scene.xyz[i as usize]).collect();
        let count = points.len() as u8;
        let at = |place: u8| points[usize::from(place)];
        let mut found: Vec<(f64, [u8; 4], f64)> = Vec::new();
        let mut add = |tuple: [u8; 4], share: f64| {
            if grid(share.abs()) > grid(CLEAR) {
                found.push((-grid(share.abs()), tuple, share.signum()));
            }
        };
        for i in 0..count {
            for j in i + 1..count {
                for k in j + 1..count {
                    match self.handedness {
                        Handedness::Area(up) => add([i, j, k, i], area(at(i), at(j), at(k), up) / scene.area()),
                        Handedness::Volume => {
                            for l in k + 1..count {
                                let share = volume(at(i), at(j), at(k), at(l)) / (scene.area() * scene.scale);
                                add([i, j, k, l], share);
                            }
                        }
                    }
                }
            }
        }
        if found.len() > TUPLES {
            found.sort_by(|a, b| a.0.total_cmp(&b.0));
            let cut = found[TUPLES - 1].0;
            found.retain(|(size, ..)| *size <= cut);
        }
        found.sort_by_key(|&(_, [a, b, c, d], _)| [a, c, d, b]);
        let mut tuples = Tuples { nodes, faces: Vec::new(), seconds: Vec::with_capacity(found.len()) };
        for group in found.chunk_by(|(_, p, _), (_, q, _)| [p[0], p[2], p[3]] == [q[0], q[2], q[3]]) {
            let first = tuples.seconds.len();
            tuples.seconds.extend(group.iter().map(|&(_, tuple, sign)| Second { place: tuple[1], sign }));
            let [a, _, c, d] = group[0].1;
            tuples.faces.push(Face { shared: [a, c, d], seconds: first..tuples.seconds.len() });
        }
        tuples
    }
}

/// Signed area of a triangle seen from above.
fn area(a: Vec3, b: Vec3, c: Vec3, up: Vec3) -> f64 {
    0.5 * dot(up, cross(sub(b, a), sub(c, a)))
}

/// Determinant of the three edges from `a`.
fn volume(a: Vec3, b: Vec3, c: Vec3, d: Vec3) -> f64 {
    dot(sub(b, a), cross(sub(c, a), sub(d, a)))
}

/// The nodes farthest from the frame's mean, in canonical order.
fn far_nodes(scene: &Scene, nodes: Range<usize>) -> Vec<u32> {
    let centre = mean(scene.xyz[nodes.clone()].iter().copied());
    let mut far: Vec<(f64, u32)> =
        nodes.map(|i| (-grid(distance(scene.xyz[i], centre) / scene.scale), i as u32)).collect();
    if far.len() > FAR_NODES {
        far.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let cut = far[FAR_NODES - 1].0;
        far.retain(|(nearness, _)| *nearness <= cut);
        far.truncate(FAR_NODES_MOST);
    }
    let mut far: Vec<u32> = far.into_iter().map(|(_, i)| i).collect();
    far.sort_unstable();
    far
}

/// The objects of a frame that are also in the frame before.
fn steps(scene: &Scene, index: usize) -> Vec<Step> {
    let Some(before) = index.checked_sub(1).map(|before| scene.frames[before].nodes.clone()) else { return Vec::new() };
    let same = |i: usize, j: usize| scene.label[i] == scene.label[j] && scene.suffix[i] == scene.suffix[j];
    let step = |i: usize| {
        let j = before.clone().find(|&j| same(i, j))?;
        Some(Step { node: i as u32, before: j as u32, length: distance(scene.xyz[i], scene.xyz[j]) })
    };
    scene.frames[index].nodes.clone().filter_map(step).collect()
}

/// Whether a motion can be told from these nodes: two at least, not all in one place.
fn spread(scene: &Scene, nodes: Range<usize>) -> bool {
    let points = &scene.xyz[nodes];
    let centre = mean(points.iter().copied());
    points.len() >= 2 && points.iter().any(|&p| grid(distance(p, centre) / scene.scale) > grid(NEAR))
}

/// Length as the group sees it: horizontal where it turns about an axis.
pub(crate) fn length(turning: Turning, a: Vec3) -> f64 {
    match turning {
        Turning::Free => norm(a),
        Turning::About(up) => norm(horizontal(a, up)),
    }
}

/// The longest pairs of a scope, and whether they are all that are long enough.
fn longest_pairs(scene: &Scene, turning: Turning, nodes: Range<usize>) -> (Vec<Pair>, bool) {
    let mut pairs = Vec::new();
    let mut all = true;
    for i in nodes.clone() {
        for j in i + 1..nodes.end {
            let shortness = -grid(length(turning, sub(scene.xyz[j], scene.xyz[i])) / scene.scale);
            if shortness < -grid(NEAR) {
                pairs.push(Pair { shortness, i: i as u32, j: j as u32 });
            }
        }
        if pairs.len() > 64 * KEPT_PAIRS {
            all &= keep_longest(&mut pairs);
        }
    }
    all &= keep_longest(&mut pairs);
    pairs.shrink_to_fit();
    (pairs, all)
}

/// Sorts the pairs and keeps the longest; whether all were kept.
fn keep_longest(pairs: &mut Vec<Pair>) -> bool {
    let all = pairs.len() <= KEPT_PAIRS;
    if !all {
        pairs.select_nth_unstable_by(KEPT_PAIRS - 1, Pair::order);
        pairs.truncate(KEPT_PAIRS);
    }
    pairs.sort_unstable_by(Pair::order);
    all
}
