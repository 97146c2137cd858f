//! Lays a reply beside the reference: which frames pair, and the reply's nodes in canonical order, label by label.

use std::ops::Range;

use crate::assign::NONE;
use crate::geometry::{Points, Vec3};
use crate::graph::{ReplyGraph, Suffix};
use crate::reference::Scene;

/// Nodes of one label in one frame that has a partner: reference and reply, both not empty.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) references: Range<usize>,
    pub(crate) replies: Range<usize>,
    /// Whether the side that is matched whole sees the other in one place: then every assignment costs the same, wherever
    /// the reply is moved.
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
    first: Vec<u32>,
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
        self.source.extend(0..count as u32);
        for frame in &self.frames {
            let key = |&i: &u32| (graph.nodes[i as usize].label, graph.nodes[i as usize].suffix);
            let centre = |i: u32| graph.nodes[i as usize].xyz;
            self.source[frame.clone()]
                .sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| compare(centre(*a), centre(*b))));
        }
        self.place.clear();
        self.place.resize(count, NONE);
        self.points.clear();
        self.label.clear();
        self.suffix.clear();
        for (place, &source) in self.source.iter().enumerate() {
            self.place[source as usize] = place as u32;
            self.points.push(graph.nodes[source as usize].xyz);
            self.label.push(graph.nodes[source as usize].label);
            self.suffix.push(graph.nodes[source as usize].suffix);
        }
        self.points.resize(count);
        self.lone.clear();
        self.lone.resize(count, true);
        for frame in &self.frames {
            for i in frame.clone().skip(1) {
                if self.label[i] == self.label[i - 1] && self.suffix[i] == self.suffix[i - 1] {
                    self.lone[i] = false;
                    self.lone[i - 1] = false;
                }
            }
        }
    }

    fn find_blocks(&mut self, scene: &Scene) {
        self.blocks.clear();
        self.frame_blocks.clear();
        self.images.clear();
        self.images.resize(scene.xyz.len(), 0..0);
        self.cells = 0;
        self.first.clear();
        self.first.resize(scene.labels.len(), NONE);
        for (frame, &partner) in scene.frames.iter().zip(&self.partner) {
            let start = self.blocks.len();
            if let Some(nodes) = self.frames.get(partner as usize).cloned() {
                for i in nodes.clone().rev() {
                    if let Some(first) = self.first.get_mut(self.label[i] as usize) {
                        *first = i as u32;
                    }
                }
                for (label, references) in &frame.groups {
                    let first = self.first[*label as usize];
                    if first == NONE {
                        continue;
                    }
                    let first = first as usize;
                    let same = self.label[first..nodes.end].iter().take_while(|other| *other == label).count();
                    let replies = first..first + same;
                    for images in &mut self.images[references.clone()] {
                        *images = replies.clone();
                    }
                    if references.len().max(same) > 1 {
                        self.cells += references.len() * same;
                    }
                    let (here, there) = (self.points.at(first), scene.xyz[references.start]);
                    let fixed = (references.len() <= same && replies.clone().all(|j| self.points.at(j) == here))
                        || (references.len() >= same && scene.xyz[references.clone()].iter().all(|&p| p == there));
                    self.blocks.push(Block { references: references.clone(), replies, fixed });
                }
                for i in nodes {
                    if let Some(first) = self.first.get_mut(self.label[i] as usize) {
                        *first = NONE;
                    }
                }
            }
            self.frame_blocks.push(start..self.blocks.len());
        }
    }
}

fn compare(a: Vec3, b: Vec3) -> std::cmp::Ordering {
    a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
}
