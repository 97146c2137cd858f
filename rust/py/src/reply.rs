//! `parse`: what is written in a reply, without a reference.

use pyo3::prelude::*;
use pyo3::types::PyString;
use videostr_core::graph::{ReplyFrame, ReplyGraph};
use videostr_core::reader::{ParseContext, Reader, Reply};

use crate::{door, texts};

type Node = (String, Option<u128>, Vec<f64>);
type Edge = (usize, usize, f64, Option<f64>);
type Frame = (Option<f64>, Vec<Node>, Vec<Edge>);
/// Format, answer block, number of answer blocks, graph status, repairs with their bytes, frames.
type Parsed = (bool, Option<String>, u32, u8, Vec<(u8, u32)>, Vec<Frame>);

/// What is written in a reply, with the default caps and no reference.
#[pyfunction]
pub(crate) fn parse(py: Python<'_>, text: &Bound<'_, PyString>, think_prefilled: bool) -> PyResult<Parsed> {
    let text = texts::utf8(text)?;
    let text: &str = &text;
    door::enter(py, || read(text, think_prefilled))
}

fn read(text: &str, think_prefilled: bool) -> Parsed {
    let context = ParseContext { think_prefilled, ..ParseContext::default() };
    let mut reply = Reply::default();
    reply.repairs.keep_places = true;
    Reader::new().read(text, &context, &mut reply);
    let answer = reply.answer.clone().map(|block| text[block].to_owned());
    let repairs = reply.repairs.places.iter().map(|(repair, at)| (*repair as u8, *at)).collect();
    let frames = reply.graph.frames.iter().map(|frame| written(&reply.graph, frame)).collect();
    (reply.format, answer, reply.answer_blocks, reply.graph_status as u8, repairs, frames)
}

fn written(graph: &ReplyGraph, frame: &ReplyFrame) -> Frame {
    let first = frame.nodes.start;
    let nodes = frame.nodes.clone().map(|node| {
        let label = graph.foreign[graph.label[node] as usize].clone();
        (label, graph.suffix[node].value(), graph.xyz[node][..usize::from(graph.dim[node])].to_vec())
    });
    let edges = graph.edges[frame.edges.clone()]
        .iter()
        .map(|edge| (edge.a as usize - first, edge.b as usize - first, edge.distance, edge.angle));
    (frame.t, nodes.collect(), edges.collect())
}
