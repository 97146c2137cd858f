//! The components of the graph, each in its file: what one frame adds to it.

use crate::components::kernels::{EdgeTerm, NodeTerm};
use crate::graph::ReplyGraph;
use crate::pair::Layout;
use crate::plan::Plan;
use crate::reference::Scene;
use crate::spec::RewardSpec;

pub(crate) mod chirality;
pub(crate) mod consistency;
pub(crate) mod counts;
pub(crate) mod edge;
pub(crate) mod kernels;
pub(crate) mod motion;
pub(crate) mod node;
mod pairs;

/// What every component reads: the spec, the reference and the reply beside it.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) spec: &'a RewardSpec,
    pub(crate) scene: &'a Scene,
    pub(crate) graph: &'a ReplyGraph,
    pub(crate) layout: &'a Layout,
    pub(crate) node: NodeTerm,
    pub(crate) edge: EdgeTerm,
}

impl<'a> Context<'a> {
    pub(crate) fn new(spec: &'a RewardSpec, scene: &'a Scene, graph: &'a ReplyGraph, layout: &'a Layout) -> Self {
        let node = NodeTerm { kernel: spec.node_kernel, s: spec.node_s };
        let edge = EdgeTerm::new(spec.edge_kernel, spec.edge_s, scene.scale);
        Self { spec, scene, graph, layout, node, edge }
    }

    pub(crate) fn plan(&self) -> &'a Plan {
        &self.scene.plan
    }

    /// Nodes that the partner of a frame holds; 0 without a partner.
    pub(crate) fn predicted(&self, frame: usize) -> usize {
        self.layout.frames.get(self.layout.partner[frame] as usize).map_or(0, ExactSizeIterator::len)
    }
}
