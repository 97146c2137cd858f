//! The graph that a reply states, as arrays: what the readers write and the scorer reads.

use std::ops::Range;

/// Instance suffix of an id. `NONE` for a bare label; compares as the integer that was written, of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suffix(pub u128);

impl Suffix {
    /// A bare label: sorts before every number.
    pub const NONE: Self = Self(0);
    /// Suffix `n`.
    #[must_use]
    pub const fn number(n: u128) -> Self {
        Self(n.saturating_add(1))
    }
    /// The integer, if there is one.
    #[must_use]
    pub const fn value(self) -> Option<u128> {
        self.0.checked_sub(1)
    }
}

/// One frame of a reply. Ranges index the lists of [`ReplyGraph`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyFrame {
    /// Time in seconds, if one was written.
    pub t: Option<f64>,
    /// Nodes of the frame.
    pub nodes: Range<usize>,
    /// Stated edges of the frame.
    pub edges: Range<usize>,
}

/// A stated edge; ends are positions in [`ReplyGraph::nodes`] (same frame), `a != b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatedEdge {
    /// One end.
    pub a: u32,
    /// The other end.
    pub b: u32,
    /// Stated distance, in the reference's unit, finite and not negative.
    pub distance: f64,
    /// Stated angle in degrees.
    pub angle: Option<f64>,
}

/// One node of a reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplyNode {
    /// Centre; z is 0 where `dim` is 2.
    pub xyz: [f64; 3],
    /// Instance suffix.
    pub suffix: Suffix,
    /// Label number: below the label table's length a label of the reference (after aliases), else a foreign one,
    /// `table_len + k` being the k-th of [`ReplyGraph::foreign`].
    pub label: u32,
    /// Byte offset of the node in the reply.
    pub at: u32,
    /// 2 or 3.
    pub dim: u8,
}

/// A reply's graph after reading and repair: void nodes, void edges, duplicates and merged frames are already gone.
///
/// Frames stand in the order in which they were written. Buffers are meant to be reused: `clear` keeps their memory.
#[derive(Clone, Debug, Default)]
pub struct ReplyGraph {
    /// Frames as written.
    pub frames: Vec<ReplyFrame>,
    /// Nodes, frame by frame.
    pub nodes: Vec<ReplyNode>,
    /// Stated edges that name two nodes; the first of a pair only.
    pub edges: Vec<StatedEdge>,
    /// Normalised names of foreign labels, in order of first appearance.
    pub foreign: Vec<String>,
}

impl ReplyGraph {
    /// Empty, keeping the memory.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.nodes.clear();
        self.edges.clear();
        self.foreign.clear();
    }
}
