//! What both surface forms write into: nodes and edges as arrays, labels as numbers.

#![expect(clippy::inline_always, reason = "what is read for every node must not be called for")]

use super::digits::Pending;
use super::window::{self, Found};
use super::{Caps, ParseContext, Step, Stop};
use crate::graph::{ReplyFrame, ReplyGraph, ReplyNode, Suffix};
use crate::hash::hash_bytes;
use crate::labels::{LabelTable, normalize_id, split_suffix, suffix_of};
use crate::slots::Slots;
use crate::units::LengthUnit;
use fearless_simd::Simd;
use std::ops::Range;

/// An id as read: label number and suffix.
pub(super) type Id = (u32, Suffix);

/// Largest magnitude of a coordinate.
const FARTHEST: f64 = 1e9;

/// A stated edge before its ids are looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawEdge {
    pub(super) ends: [Id; 2],
    pub(super) distance: f64,
    pub(super) angle: Option<f64>,
    pub(super) at: u32,
}

/// Memory that is kept between replies.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Stated edges as written; frames index them until the graph is finished.
    pub(super) edges: Vec<RawEdge>,
    /// Foreign labels by hash.
    foreign: Slots,
    /// A name in normal form.
    normal: String,
    /// A name as written, escapes resolved.
    pub(super) name: String,
    pending: Pending,
    pub(super) lines: super::lines::Scratch,
    pub(super) json: super::json::Scratch,
    pub(super) finish: super::finish::Scratch,
}

/// Where the frame being written begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenFrame {
    nodes: usize,
    edges: usize,
}

/// Takes the nodes, edges and frames of one reply.
pub(super) struct Sink<'a> {
    labels: Option<&'a LabelTable>,
    pub(super) dim: Option<u8>,
    pub(super) unit: Option<LengthUnit>,
    caps: Caps,
    pub(super) graph: &'a mut ReplyGraph,
    pub(super) scratch: &'a mut Scratch,
    /// Nodes of the frame before, and the place among them where the next node is expected.
    before: Range<usize>,
    expected: usize,
    /// Nodes of the open frame as written, void ones too.
    written_nodes: usize,
    /// Edges of the graph as written, void ones too.
    written_edges: usize,
    /// Whether anything was read: a node, a frame, or an empty list of frames.
    read_any: bool,
}

impl<'a> Sink<'a> {
    pub(super) fn new(context: &ParseContext<'a>, graph: &'a mut ReplyGraph, scratch: &'a mut Scratch) -> Self {
        scratch.edges.clear();
        scratch.foreign.begin(0);
        scratch.pending.clear();
        let ParseContext { labels, dim, unit, caps, .. } = *context;
        Self {
            labels,
            dim,
            unit,
            caps,
            graph,
            scratch,
            before: 0..0,
            expected: 0,
            written_nodes: 0,
            written_edges: 0,
            read_any: false,
        }
    }

    /// Whether the block held anything readable.
    pub(super) fn readable(&self) -> bool {
        self.read_any || !self.graph.frames.is_empty()
    }

    /// Tells that something was read that leaves no frame.
    pub(super) fn mark_readable(&mut self) {
        self.read_any = true;
    }

    pub(super) fn open_frame(&mut self) -> OpenFrame {
        self.written_nodes = 0;
        self.before = self.graph.frames.last().map_or(0..0, |frame| frame.nodes.clone());
        self.expected = self.before.start;
        OpenFrame { nodes: self.graph.nodes.len(), edges: self.scratch.edges.len() }
    }

    /// Whether the open frame holds a node.
    pub(super) fn has_node(&self, open: OpenFrame) -> bool {
        self.graph.nodes.len() > open.nodes
    }

    pub(super) fn close_frame(&mut self, open: OpenFrame, t: Option<f64>) -> Step<()> {
        if self.graph.frames.len() >= self.caps.max_frames {
            return Err(Stop::TooBig);
        }
        // adding 0 makes -0 the same time as 0
        let t = t.filter(|t| t.is_finite()).map(|t| t + 0.0);
        let (nodes, edges) = (open.nodes..self.graph.nodes.len(), open.edges..self.scratch.edges.len());
        self.graph.frames.push(ReplyFrame { t, nodes, edges });
        Ok(())
    }

    /// Closes a frame that the end of the text cut: it is one when it holds a node.
    pub(super) fn close_cut_frame(&mut self, open: OpenFrame, t: Option<f64>) -> Step<()> {
        if self.has_node(open) {
            return self.close_frame(open, t);
        }
        self.scratch.edges.truncate(open.edges);
        Ok(())
    }

    /// Counts a node as written, good or void.
    pub(super) fn count_node(&mut self) -> Step<()> {
        self.written_nodes += 1;
        if self.written_nodes > self.caps.max_nodes { Err(Stop::TooBig) } else { Ok(()) }
    }

    /// Counts a stated edge as written, good or void.
    pub(super) fn count_edge(&mut self) -> Step<()> {
        self.written_edges += 1;
        if self.written_edges > self.caps.max_edges { Err(Stop::TooBig) } else { Ok(()) }
    }

    /// Adds a node of `dim` coordinates; false when they make it void.
    #[inline(always)]
    pub(super) fn push_node(&mut self, id: Id, xyz: [f64; 3], dim: u8, at: usize) -> bool {
        let good = match self.dim {
            Some(wanted) => dim == wanted,
            None => dim == 2 || dim == 3,
        };
        // also false for NaN
        if !good || !xyz.iter().all(|x| x.abs() <= FARTHEST) {
            return false;
        }
        let xyz = xyz.map(|x| x + 0.0);
        self.graph.nodes.push(ReplyNode { xyz, suffix: id.1, label: id.0, at: at as u32, dim });
        true
    }

    /// Adds a node whose label is known and whose numbers may be converted later; false when they make it void.
    #[inline(always)]
    pub(super) fn push_found<S: Simd>(&mut self, simd: S, label: u32, found: &Found, at: usize) -> bool {
        if let Some(xyz) = found.long {
            self.convert(simd);
            return self.push_node((label, found.digits.convert(simd).1), xyz, found.dim, at);
        }
        let added = self.push_node((label, Suffix::NONE), [0.0; 3], found.dim, at);
        if added {
            let before = self.graph.nodes.len() - 1;
            self.scratch.pending.push(simd, &found.digits, &mut self.graph.nodes[..before]);
        }
        added
    }

    /// Converts the numbers that wait for it.
    #[inline(always)]
    pub(super) fn convert<S: Simd>(&mut self, simd: S) {
        self.scratch.pending.convert(simd, &mut self.graph.nodes);
    }

    /// The id of a node of the frame before that begins as the JSON node at `at` does, where it stands near the expected place;
    /// `bytes` ends with the quote of this node's id.
    #[inline]
    pub(super) fn id_as_before(&mut self, bytes: &[u8], at: usize) -> Option<Id> {
        if self.before.is_empty() {
            return None;
        }
        let begins = &bytes[at..];
        let expected = self.expected;
        self.expected += 1;
        let near = [expected, expected + 1, expected.wrapping_sub(1), expected + 2];
        let again = |node: usize| bytes[self.graph.nodes[node].at as usize..].starts_with(begins);
        let node = near.into_iter().find(|node| self.before.contains(node) && again(*node))?;
        self.expected = node + 1;
        Some((self.graph.nodes[node].label, self.graph.nodes[node].suffix))
    }

    /// The number of a short label, where it stands as one of the reference.
    #[inline(always)]
    pub(super) fn short_label(&self, label: u128) -> Option<u32> {
        let labels = self.labels?;
        match labels.id_of_short(label) {
            None => folded_label(labels, label),
            known => known,
        }
    }

    /// The label number and suffix of an id as written; none when no label is left of it.
    pub(super) fn id(&mut self, raw: &str) -> Option<Id> {
        let bytes = raw.as_bytes();
        if is_normal(bytes) {
            let (label, digits) = split_suffix(bytes);
            if label == 0 {
                return None;
            }
            let suffix = suffix_of(digits);
            return Some((self.label(&raw[..label]), suffix));
        }
        let mut normal = std::mem::take(&mut self.scratch.normal);
        let suffix = normalize_id(raw, &mut normal);
        let id = (!normal.is_empty()).then(|| (self.label(&normal), suffix));
        self.scratch.normal = normal;
        id
    }

    fn label(&mut self, normal: &str) -> u32 {
        let known = self.labels.map_or(0, LabelTable::len);
        if let Some(id) = self.labels.and_then(|labels| labels.id_of(normal)) {
            return id;
        }
        let foreign = &mut self.graph.foreign;
        let slots = &mut self.scratch.foreign;
        let hash = hash_bytes(normal.as_bytes());
        let (mut slot, found) = slots.find(hash, |position| foreign[position as usize] == normal);
        if let Some(position) = found {
            return known as u32 + position;
        }
        if foreign.len() >= slots.room() {
            slots.begin(2 * foreign.len() + 2);
            for (position, name) in foreign.iter().enumerate() {
                let (free, _) = slots.find(hash_bytes(name.as_bytes()), |_| false);
                slots.set(free, position as u32);
            }
            (slot, _) = slots.find(hash, |_| false);
        }
        slots.set(slot, foreign.len() as u32);
        foreign.push(normal.to_owned());
        (known + foreign.len() - 1) as u32
    }

    /// The name of a label number.
    pub(super) fn label_name(&self, label: u32) -> &str {
        match (label as usize).checked_sub(self.labels.map_or(0, LabelTable::len)) {
            Some(foreign) => &self.graph.foreign[foreign],
            None => self.labels.map_or("", |labels| labels.name(label)),
        }
    }
}

#[inline(never)]
fn folded_label(labels: &LabelTable, label: u128) -> Option<u32> {
    labels.id_of_short(window::folded(label)?)
}

/// Bytes that stand in a normal id as they are; a space where no other is before it.
const NORMAL: [bool; 256] = {
    let mut normal = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        normal[byte as usize] = !(byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'));
        byte += 1;
    }
    normal
};

/// Whether an id is already folded and spaced, so that only its suffix is left to cut.
fn is_normal(id: &[u8]) -> bool {
    let mut before = b' ';
    for &byte in id {
        if !NORMAL[usize::from(byte)] || byte == b' ' && before == b' ' {
            return false;
        }
        before = byte;
    }
    before != b' '
}
