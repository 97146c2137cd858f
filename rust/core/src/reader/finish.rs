//! The last pass over a graph that was read: duplicate ids, stated edges to node positions, frames with one time.

use super::sink::{RawEdge, Sink};
use crate::graph::{ReplyGraph, ReplyNode, StatedEdge};
use crate::hash::{fold, hash_id};
use crate::names::{Repair, RepairLog};
use crate::slots::Slots;
use std::cmp::Ordering;
use std::ops::Range;

/// Memory that is kept between replies.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    ids: Slots,
    pairs: Slots,
    seen: Vec<u64>,
    /// Nodes that are gone.
    gone: Vec<bool>,
    /// Where each node is after the gone ones are cut out.
    moved: Vec<u32>,
    /// Frames in the order of their times.
    by_time: Vec<u32>,
    /// Frames that are gone.
    frames_gone: Vec<bool>,
}

impl Sink<'_> {
    /// Finishes the graph: see the module.
    pub(super) fn finish(&mut self, log: &mut RepairLog) {
        let mut scratch = std::mem::take(&mut self.scratch.finish);
        let raw_edges = std::mem::take(&mut self.scratch.edges);
        scratch.gone.clear();
        scratch.gone.resize(self.graph.nodes.len(), false);
        let mut any_gone = false;
        for frame in 0..self.graph.frames.len() {
            let nodes = self.graph.frames[frame].nodes.clone();
            let edges = self.graph.frames[frame].edges.clone();
            let first = self.graph.edges.len();
            if !edges.is_empty() || may_share(&self.graph.nodes[nodes.clone()], &mut scratch.seen) {
                any_gone |= index_ids(self.graph, nodes, &mut scratch, log);
                state_edges(self.graph, &raw_edges[edges], &mut scratch, log);
            }
            self.graph.frames[frame].edges = first..self.graph.edges.len();
        }
        any_gone |= self.merge_frames(&mut scratch, log);
        if any_gone {
            compact(self.graph, &mut scratch);
        }
        self.scratch.edges = raw_edges;
        self.scratch.finish = scratch;
    }

    /// Of frames with one time keeps the one whose sorted nodes come first; true when any is gone.
    fn merge_frames(&self, scratch: &mut Scratch, log: &mut RepairLog) -> bool {
        let frames = &self.graph.frames;
        scratch.frames_gone.clear();
        scratch.frames_gone.resize(frames.len(), false);
        let times = || frames.iter().filter_map(|frame| frame.t);
        if times().zip(times().skip(1)).all(|(before, after)| before < after) {
            return false;
        }
        let time = |&frame: &u32| frames[frame as usize].t.unwrap_or_default();
        scratch.by_time.clear();
        scratch.by_time.extend((0..frames.len() as u32).filter(|&frame| frames[frame as usize].t.is_some()));
        scratch.by_time.sort_by(|a, b| time(a).total_cmp(&time(b)));
        let mut any = false;
        for same in scratch.by_time.chunk_by(|a, b| time(a) == time(b)).filter(|same| same.len() > 1) {
            let mut sorted: Vec<SortedFrame> =
                same.iter().map(|&frame| self.sorted(frame as usize, &scratch.gone)).collect();
            let first = (1..sorted.len()).fold(0, |best, next| {
                if self.compare(&sorted[next], &sorted[best]) == Ordering::Less { next } else { best }
            });
            sorted.swap_remove(first);
            for dropped in &sorted {
                scratch.frames_gone[dropped.frame] = true;
                log.note(Repair::DuplicateId, self.frame_place(dropped.frame));
                any = true;
            }
        }
        any
    }

    /// Where a frame stands in the reply, as far as its nodes tell.
    fn frame_place(&self, frame: usize) -> usize {
        let nodes = self.graph.frames[frame].nodes.clone();
        self.graph.nodes.get(nodes.start).map_or(0, |node| node.at as usize)
    }

    fn sorted(&self, frame: usize, gone: &[bool]) -> SortedFrame {
        let graph = &*self.graph;
        let range = graph.frames[frame].nodes.clone();
        let mut nodes: Vec<usize> = range.clone().filter(|&node| !gone[node]).collect();
        nodes.sort_by(|&a, &b| self.compare_nodes(a, b));
        let mut rank = vec![0_u32; range.len()];
        for (position, &node) in nodes.iter().enumerate() {
            rank[node - range.start] = position as u32;
        }
        let mut edges: Vec<StatedEdge> = graph.edges[graph.frames[frame].edges.clone()].to_vec();
        for edge in &mut edges {
            let ends = [rank[edge.a as usize - range.start], rank[edge.b as usize - range.start]];
            (edge.a, edge.b) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        }
        edges.sort_by(compare_edges);
        SortedFrame { frame, nodes, edges }
    }

    /// By the nodes; frames with the same nodes by their edges, so that the order in which they are written does not show.
    fn compare(&self, a: &SortedFrame, b: &SortedFrame) -> Ordering {
        let nodes = a.nodes.iter().zip(&b.nodes).map(|(&a, &b)| self.compare_nodes(a, b)).find(|order| order.is_ne());
        let edges = a.edges.iter().zip(&b.edges).map(|(a, b)| compare_edges(a, b)).find(|order| order.is_ne());
        nodes.unwrap_or(a.nodes.len().cmp(&b.nodes.len())).then(edges.unwrap_or(a.edges.len().cmp(&b.edges.len())))
    }

    /// By label name, suffix and centre.
    fn compare_nodes(&self, a: usize, b: usize) -> Ordering {
        let graph = &*self.graph;
        let names = || self.label_name(graph.nodes[a].label).cmp(self.label_name(graph.nodes[b].label));
        let labels = if graph.nodes[a].label == graph.nodes[b].label { Ordering::Equal } else { names() };
        labels.then(graph.nodes[a].suffix.cmp(&graph.nodes[b].suffix)).then_with(|| compare_centres(graph, a, b))
    }
}

/// A frame with its nodes in canonical order, and its edges between places in that order.
struct SortedFrame {
    frame: usize,
    nodes: Vec<usize>,
    edges: Vec<StatedEdge>,
}

fn compare_edges(a: &StatedEdge, b: &StatedEdge) -> Ordering {
    let angle = |edge: &StatedEdge| edge.angle.unwrap_or(f64::INFINITY);
    (a.a, a.b).cmp(&(b.a, b.b)).then(a.distance.total_cmp(&b.distance)).then(angle(a).total_cmp(&angle(b)))
}

fn compare_centres(graph: &ReplyGraph, a: usize, b: usize) -> Ordering {
    let axis = |i: usize| graph.nodes[a].xyz[i].total_cmp(&graph.nodes[b].xyz[i]);
    axis(0).then(axis(1)).then(axis(2)).then(graph.nodes[a].dim.cmp(&graph.nodes[b].dim))
}

/// Frames of so many nodes are looked at before a table of their ids is made, those of few with fewer bits.
const MANY: usize = 128;
const FEW: usize = 32;

/// Whether two nodes may carry one id; false where none do. Bits in `seen` stand for what ids may be.
fn may_share(nodes: &[ReplyNode], seen: &mut Vec<u64>) -> bool {
    if nodes.len() > MANY {
        return true;
    }
    let words = if nodes.len() > FEW { 256 } else { 64 };
    seen.clear();
    seen.resize(words, 0);
    let mut twice = 0;
    for node in nodes {
        let hash = fold(node.suffix.0 as u64 ^ u64::from(node.label) << 40, 0x9e37_79b9_7f4a_7c15);
        let (word, bit) = (&mut seen[(hash >> 6) as usize & (words - 1)], 1 << (hash & 63));
        twice |= *word & bit;
        *word |= bit;
    }
    twice != 0
}

/// Enters the ids of one frame: each stands for its node of the smallest centre. Others of one suffixed id are gone.
fn index_ids(graph: &ReplyGraph, nodes: Range<usize>, scratch: &mut Scratch, log: &mut RepairLog) -> bool {
    scratch.ids.begin(nodes.len());
    let mut any = false;
    for node in nodes {
        let (label, suffix) = (graph.nodes[node].label, graph.nodes[node].suffix);
        let hash = hash_id(label, suffix.0);
        let same =
            |other: u32| (graph.nodes[other as usize].label, graph.nodes[other as usize].suffix) == (label, suffix);
        let (slot, found) = scratch.ids.find(hash, same);
        let mut meant = node;
        if let Some(other) = found.map(|other| other as usize) {
            let mut dropped = node;
            if compare_centres(graph, node, other) == Ordering::Less {
                dropped = other;
            } else {
                meant = other;
            }
            if suffix.value().is_some() {
                scratch.gone[dropped] = true;
                log.note(Repair::DuplicateId, graph.nodes[dropped].at as usize);
                any = true;
            }
        }
        scratch.ids.set(slot, meant as u32);
    }
    any
}

/// Turns the stated edges of the frame whose ids were just entered into pairs of nodes.
fn state_edges(graph: &mut ReplyGraph, edges: &[RawEdge], scratch: &mut Scratch, log: &mut RepairLog) {
    scratch.pairs.begin(edges.len());
    for edge in edges {
        let node = |end: usize| {
            let (label, suffix) = edge.ends[end];
            let same =
                |other: u32| (graph.nodes[other as usize].label, graph.nodes[other as usize].suffix) == (label, suffix);
            scratch.ids.find(hash_id(label, suffix.0), same).1
        };
        let (Some(a), Some(b)) = (node(0), node(1)) else {
            log.note(Repair::VoidEdge, edge.at as usize);
            continue;
        };
        if a == b {
            log.note(Repair::VoidEdge, edge.at as usize);
            continue;
        }
        let pair = (a.min(b), a.max(b));
        let stated = &graph.edges;
        let same = |other: u32| {
            let other = &stated[other as usize];
            (other.a.min(other.b), other.a.max(other.b)) == pair
        };
        let hash = fold(u64::from(pair.0) << 32 | u64::from(pair.1) | 1 << 63, 0x9e37_79b9_7f4a_7c15);
        if let (slot, None) = scratch.pairs.find(hash, same) {
            scratch.pairs.set(slot, stated.len() as u32);
            graph.edges.push(StatedEdge { a, b, distance: edge.distance, angle: edge.angle });
        }
    }
}

/// Cuts out the nodes and frames that are gone.
fn compact(graph: &mut ReplyGraph, scratch: &mut Scratch) {
    let Scratch { gone, moved, frames_gone, .. } = scratch;
    moved.clear();
    moved.resize(gone.len(), 0);
    let (mut nodes, mut edges, mut frames) = (0, 0, 0);
    for (frame, &gone_too) in frames_gone.iter().enumerate() {
        if gone_too {
            continue;
        }
        let mut kept = graph.frames[frame].clone();
        let first = nodes;
        for node in kept.nodes {
            if gone[node] {
                continue;
            }
            moved[node] = nodes as u32;
            graph.nodes[nodes] = graph.nodes[node];
            nodes += 1;
        }
        kept.nodes = first..nodes;
        let first = edges;
        for edge in kept.edges {
            let stated = graph.edges[edge];
            graph.edges[edges] = StatedEdge { a: moved[stated.a as usize], b: moved[stated.b as usize], ..stated };
            edges += 1;
        }
        kept.edges = first..edges;
        graph.frames[frames] = kept;
        frames += 1;
    }
    graph.frames.truncate(frames);
    graph.edges.truncate(edges);
    graph.nodes.truncate(nodes);
}
