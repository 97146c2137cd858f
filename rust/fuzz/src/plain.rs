//! A graph as plain values that compare to the last bit.

use std::cmp::Ordering;

use videostr_core::graph::Suffix;
use videostr_core::reader::{ParseContext, Reader, Reply};

/// A node; two are equal when every bit of them is.
#[derive(Clone, Debug)]
pub struct Node {
    /// Normalised label.
    pub label: String,
    /// Instance suffix.
    pub suffix: Suffix,
    /// Centre; z is 0 where `dim` is 2.
    pub xyz: [f64; 3],
    /// 2 or 3.
    pub dim: u8,
}

impl Node {
    /// By centre, lexicographically.
    #[must_use]
    pub fn compare_centres(&self, other: &Self) -> Ordering {
        let axis = |i: usize| self.xyz[i].total_cmp(&other.xyz[i]);
        axis(0).then(axis(1)).then(axis(2)).then(self.dim.cmp(&other.dim))
    }

    /// By label, suffix and centre.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let ids = (&self.label, self.suffix).cmp(&(&other.label, other.suffix));
        ids.then_with(|| self.compare_centres(other))
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
    }
}

/// A stated edge between two nodes of its frame, by their positions in it.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The ends.
    pub ends: [usize; 2],
    /// Stated distance.
    pub distance: f64,
    /// Stated angle in degrees.
    pub angle: Option<f64>,
}

impl PartialEq for Edge {
    fn eq(&self, other: &Self) -> bool {
        // adding 0 makes -0 equal to 0, as which some parsers read it
        let bits = |edge: &Self| (edge.ends, (edge.distance + 0.0).to_bits(), edge.angle.map(|a| (a + 0.0).to_bits()));
        bits(self) == bits(other)
    }
}

/// One frame.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Time.
    pub t: Option<f64>,
    /// Nodes as written.
    pub nodes: Vec<Node>,
    /// Stated edges as written.
    pub edges: Vec<Edge>,
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.t.map(f64::to_bits) == other.t.map(f64::to_bits)
            && (&self.nodes, &self.edges) == (&other.nodes, &other.edges)
    }
}

/// The frames of what was read without a reference.
#[must_use]
pub fn frames(reply: &Reply) -> Vec<Frame> {
    let graph = &reply.graph;
    let node = |i: usize| Node {
        label: graph.foreign[graph.nodes[i].label as usize].clone(),
        suffix: graph.nodes[i].suffix,
        xyz: graph.nodes[i].xyz,
        dim: graph.nodes[i].dim,
    };
    let one = |frame: &videostr_core::graph::ReplyFrame| {
        let inside = |end: u32| end as usize - frame.nodes.start;
        let stated = graph.edges[frame.edges.clone()].iter();
        let edge = |edge: &videostr_core::graph::StatedEdge| Edge {
            ends: [inside(edge.a), inside(edge.b)],
            distance: edge.distance,
            angle: edge.angle,
        };
        Frame { t: frame.t, nodes: frame.nodes.clone().map(node).collect(), edges: stated.map(edge).collect() }
    };
    graph.frames.iter().map(one).collect()
}

/// Reads a text by itself.
#[must_use]
pub fn read(text: &str, context: &ParseContext) -> Reply {
    let mut reply = Reply::default();
    Reader::new().read(text, context, &mut reply);
    reply
}
