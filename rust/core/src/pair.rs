//! Lays a reply beside the reference: which frames pair, and the reply's nodes in canonical order, label by label.

use std::ops::Range;

use crate::assign::NONE;
use crate::geometry::{Points, Vec3};
use crate::graph::{ReplyGraph, ReplyNode, Suffix};
use crate::lanes::{LANES, each};
use crate::reference::Scene;
use crate::wide::wide;

/// Nodes of one label in one frame that has a partner: reference and reply, both not empty.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) references: Range<usize>,
    pub(crate) replies: Range<usize>,
    /// Whether the side that is matched whole sees the other in one place: then every assignment costs the same, wherever
    /// the reply is moved. Not asked where it is not moved.
    pub(crate) fixed: bool,
}

/// A reply, seen from a reference. Nodes of a frame stand by label, suffix and centre, so that the order in which the reply
/// writes them cannot change a bit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// The reply's frame of each frame of the reference, or [`NONE`].
    pub(crate) partner: Vec<u32>,
    /// Reply nodes of each frame of the reply (positions in the sorted arrays are those of the reply's own arrays).
    pub(crate) frames: Vec<Range<usize>>,
    pub(crate) points: Points,
    pub(crate) label: Vec<u32>,
    pub(crate) suffix: Vec<Suffix>,
    /// Whether a node's id is carried by it alone in its frame.
    pub(crate) lone: Vec<bool>,
    /// The reply's own number of each node, and the reverse.
    pub(crate) source: Vec<u32>,
    pub(crate) place: Vec<u32>,
    pub(crate) blocks: Vec<Block>,
    /// Blocks of each frame of the reference.
    pub(crate) frame_blocks: Vec<Range<usize>>,
    /// For each node of the reference, its images: nodes of its label in the partner of its frame.
    pub(crate) images: Vec<Range<usize>>,
    /// Pairs of a reference node and an image of it, where one of the two has a choice.
    pub(crate) cells: usize,
    order: Vec<u32>,
    near: Vec<(f64, u32, u32)>,
    sorter: Sorter,
    /// The first place of each label in a frame, and that behind the last; two zeros where it is not there.
    runs: Vec<(u32, u32)>,
}

impl Layout {
    /// Lays out one reply. A reply whose graph counts as nothing is given as an empty graph.
    pub(crate) fn lay(&mut self, graph: &ReplyGraph, scene: &Scene) {
        self.frames.clear();
        self.frames.extend(graph.frames.iter().map(|frame| frame.nodes.clone()));
        self.pair_frames(graph, scene);
        self.sort_nodes(graph);
        self.find_blocks(scene);
    }

    fn pair_frames(&mut self, graph: &ReplyGraph, scene: &Scene) {
        let (references, replies) = (scene.frames.len(), graph.frames.len());
        self.partner.clear();
        self.partner.resize(references, NONE);
        let timed = graph.frames.iter().all(|frame| frame.t.is_some());
        let time = |reply: u32| graph.frames[reply as usize].t.unwrap_or(0.0);
        self.order.clear();
        self.order.extend(0..replies as u32);
        if timed {
            self.order.sort_by(|&a, &b| time(a).total_cmp(&time(b)));
        }
        if !timed || scene.frames[0].t.is_none() {
            for (partner, &reply) in self.partner.iter_mut().zip(&self.order) {
                *partner = reply;
            }
            return;
        }
        let at = |reference: usize| scene.frames[reference].t.unwrap_or(0.0);
        let gap = (1..references).map(|i| at(i) - at(i - 1)).fold(f64::INFINITY, f64::min);
        let reach = if references == 1 { f64::INFINITY } else { gap / 2.0 };
        // Candidates: within reach there are at most three reference frames around a time.
        self.near.clear();
        let mut low = 0;
        for (rank, &reply) in self.order.iter().enumerate() {
            let t = time(reply);
            while low < references && at(low) < t && (at(low) - t).abs() > reach {
                low += 1;
            }
            for reference in low..references {
                let apart = (at(reference) - t).abs();
                if apart <= reach {
                    self.near.push((apart, reference as u32, rank as u32));
                } else {
                    break;
                }
            }
        }
        self.near.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for &(_, reference, rank) in &self.near {
            let reply = &mut self.order[rank as usize];
            let partner = &mut self.partner[reference as usize];
            if *partner == NONE && *reply != NONE {
                *partner = std::mem::replace(reply, NONE);
            }
        }
    }

    fn sort_nodes(&mut self, graph: &ReplyGraph) {
        let count = graph.nodes.len();
        self.source.clear();
        self.lone.clear();
        self.lone.resize(count, true);
        for frame in &self.frames {
            self.sorter.sort(&graph.nodes, frame.clone(), &mut self.source, &mut self.lone);
        }
        self.points.resize(count);
        self.place.resize(count, 0);
        self.label.resize(count, 0);
        self.suffix.resize(count, Suffix::NONE);
        let Points { x, y, z } = &mut self.points;
        let (x, y, z) = (&mut x[..count], &mut y[..count], &mut z[..count]);
        let (label, suffix) = (&mut self.label[..count], &mut self.suffix[..count]);
        for (place, &source) in self.source[..count].iter().enumerate() {
            let node = &graph.nodes[source as usize];
            [x[place], y[place], z[place]] = node.xyz;
            (label[place], suffix[place]) = (node.label, node.suffix);
            self.place[source as usize] = place as u32;
        }
    }

    fn find_blocks(&mut self, scene: &Scene) {
        self.blocks.clear();
        self.frame_blocks.clear();
        self.images.clear();
        self.images.resize(scene.xyz.len(), 0..0);
        self.cells = 0;
        let turns = scene.plan.turning.is_some();
        for (frame, &partner) in scene.frames.iter().zip(&self.partner) {
            let start = self.blocks.len();
            if let Some(nodes) = self.frames.get(partner as usize).cloned() {
                self.runs.clear();
                self.runs.resize(scene.labels.len(), (0, 0));
                for i in nodes.clone() {
                    if let Some((_, end)) = self.runs.get_mut(self.label[i] as usize) {
                        *end = i as u32 + 1;
                    }
                }
                for i in nodes.rev() {
                    if let Some((first, _)) = self.runs.get_mut(self.label[i] as usize) {
                        *first = i as u32;
                    }
                }
                for (label, references) in &frame.groups {
                    let (first, end) = self.runs[*label as usize];
                    if end == 0 {
                        continue;
                    }
                    let replies = first as usize..end as usize;
                    for images in &mut self.images[references.clone()] {
                        *images = replies.clone();
                    }
                    if references.len().max(replies.len()) > 1 {
                        self.cells += references.len() * replies.len();
                    }
                    let fixed = turns && self.is_fixed(&scene.xyz[references.clone()], replies.clone());
                    self.blocks.push(Block { references: references.clone(), replies, fixed });
                }
            }
            self.frame_blocks.push(start..self.blocks.len());
        }
    }

    fn is_fixed(&self, references: &[Vec3], replies: Range<usize>) -> bool {
        let here = self.points.at(replies.start);
        references.len() <= replies.len() && replies.clone().all(|j| self.points.at(j) == here)
            || references.len() >= replies.len() && references.iter().all(|&p| p == references[0])
    }
}

/// What a key keeps of a node, in bits: its label, its suffix, and its place in the frame below them.
const LABEL_BITS: u32 = 19;
const SUFFIX_BITS: u32 = 28;
const PLACE_BITS: u32 = 16;
/// Up to this many nodes are sorted by counting, for each, those before it.
const COUNTED: usize = 64;

/// Memory for sorting a frame.
#[derive(Clone, Debug, Default)]
struct Sorter {
    keys: Vec<i64>,
    sorted: Vec<i64>,
}

impl Sorter {
    /// Appends a frame's nodes by label, suffix, centre and place, and clears `lone` for those that share both.
    fn sort(&mut self, nodes: &[ReplyNode], frame: Range<usize>, out: &mut Vec<u32>, lone: &mut [bool]) {
        let begin = out.len();
        let id = |i: u32| (nodes[i as usize].label, nodes[i as usize].suffix);
        let centre = |i: u32| nodes[i as usize].xyz;
        if self.sort_keys(&nodes[frame.clone()]) {
            let place = |key: &i64| frame.start as u32 + key.cast_unsigned() as u32 % (1 << PLACE_BITS);
            out.extend(self.sorted.iter().map(place));
            let same = |pair: &[i64]| pair[0] >> PLACE_BITS == pair[1] >> PLACE_BITS;
            if !self.sorted.windows(2).fold(false, |any, pair| any | same(pair)) {
                return;
            }
        } else {
            out.extend(frame.start as u32..frame.end as u32);
            out[begin..].sort_by_key(|&i| id(i));
        }
        for same in out[begin..].chunk_by_mut(|&a, &b| id(a) == id(b)).filter(|same| same.len() > 1) {
            same.sort_by(|&a, &b| compare(centre(a), centre(b)));
        }
        for (k, same) in (begin + 1..out.len()).map(|k| (k, id(out[k]) == id(out[k - 1]))) {
            lone[k - 1] &= !same;
            lone[k] &= !same;
        }
    }

    /// Sorts the keys of a frame's nodes; false where what they keep is not all.
    fn sort_keys(&mut self, nodes: &[ReplyNode]) -> bool {
        let more = |node: &ReplyNode| u128::from(node.label >> LABEL_BITS) | node.suffix.0 >> SUFFIX_BITS;
        if nodes.len() > 1 << PLACE_BITS || nodes.iter().fold(0, |all, node| all | more(node)) != 0 {
            return false;
        }
        let key = |(node, place): (&ReplyNode, i64)| {
            (i64::from(node.label) << SUFFIX_BITS | node.suffix.0 as i64) << PLACE_BITS | place
        };
        if nodes.len() > COUNTED {
            self.sorted.clear();
            self.sorted.extend(nodes.iter().zip(0..).map(key));
            self.sorted.sort_unstable();
            return true;
        }
        self.keys.clear();
        self.keys.extend(nodes.iter().zip(0..).map(key));
        self.keys.resize(nodes.len().next_multiple_of(LANES), i64::MAX);
        self.sorted.resize(nodes.len(), 0);
        wide(
            #[inline(always)]
            || {
                for some in self.keys.as_chunks::<LANES>().0 {
                    let mut before = [0; LANES];
                    for &key in &self.keys[..nodes.len()] {
                        before = each(|k| before[k] + u64::from(key < some[k]));
                    }
                    for (&key, before) in some.iter().zip(before) {
                        if let Some(place) = self.sorted.get_mut(before as usize) {
                            *place = key;
                        }
                    }
                }
            },
        );
        true
    }
}

fn compare(a: Vec3, b: Vec3) -> std::cmp::Ordering {
    a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stand_by_label_suffix_centre_and_place() {
        let mut state = 13_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut sorter = Sorter::default();
        for round in 0..3000 {
            let count = random(90);
            let (labels, suffixes, places) = (1 + random(12), 1 + random(100), 1 + random(4));
            // Some are too large for a key.
            let large = [u128::MAX - 200, 1 << SUFFIX_BITS, 0, 0][round % 4];
            let far = [1 << LABEL_BITS, 0][round / 4 % 2];
            let nodes: Vec<ReplyNode> = (0..count)
                .map(|_| {
                    let rare = random(20) == 0;
                    let suffix = Suffix(u128::from(random(suffixes)) + if rare { large } else { 0 });
                    let label = random(labels) as u32 + if rare { far } else { 0 };
                    ReplyNode { xyz: [random(places) as f64, 0.0, 1.0], suffix, label, at: 0, dim: 3 }
                })
                .collect();
            let half = nodes.len() / 3;
            let (mut out, mut lone) = (Vec::new(), vec![true; nodes.len()]);
            for frame in [0..half, half..nodes.len()] {
                sorter.sort(&nodes, frame, &mut out, &mut lone);
            }
            let id = |i: u32| (nodes[i as usize].label, nodes[i as usize].suffix);
            let mut plain: Vec<u32> = (0..nodes.len() as u32).collect();
            for frame in [0..half, half..nodes.len()] {
                let here = &mut plain[frame.clone()];
                here.sort_by(|&a, &b| {
                    id(a).cmp(&id(b)).then_with(|| compare(nodes[a as usize].xyz, nodes[b as usize].xyz))
                });
                for place in frame.clone() {
                    let same = frame.clone().filter(|&other| id(plain[other]) == id(plain[place])).count();
                    assert_eq!(lone[place], same == 1);
                }
            }
            assert_eq!(out, plain);
        }
    }
}
