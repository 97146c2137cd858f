//! What is written in replies, without a reference: `parse` for people, `read_graphs` as arrays.

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyString;
use videostr_core::graph::{ReplyFrame, ReplyGraph};
use videostr_core::labels::LabelTable;
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

/// Nodes of each frame, label numbers, centres.
type Arrays<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u32>>, Bound<'py, PyArray2<f64>>);

/// The graphs of many replies one after the other, as the scorer reads them: nodes of each frame, then for each node the place
/// of its label in `labels` (of another label: not below `len(labels)`) and its centre.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // PyO3 hands lists over by value
pub(crate) fn read_graphs<'py>(
    py: Python<'py>,
    replies: &Bound<'py, PyAny>,
    labels: Vec<String>,
) -> PyResult<Arrays<'py>> {
    let strings = texts::strings(replies)?;
    let utf8 = strings.iter().map(texts::utf8).collect::<PyResult<Vec<_>>>()?;
    let replies: Vec<&str> = utf8.iter().map(AsRef::as_ref).collect();
    let (counts, label, xyz) = door::enter(py, || {
        let table = LabelTable::new(labels.iter().map(String::as_str), &[]);
        let context = ParseContext { labels: Some(&table), dim: Some(3), ..ParseContext::default() };
        let (mut reader, mut reply) = (Reader::new(), Reply::default());
        let (mut counts, mut label, mut xyz) = (Vec::new(), Vec::new(), Vec::new());
        for text in replies {
            reader.read(text, &context, &mut reply);
            counts.extend(reply.graph.frames.iter().map(|frame| frame.nodes.len() as u32));
            label.extend(reply.graph.nodes.iter().map(|node| node.label));
            xyz.extend(reply.graph.nodes.iter().map(|node| node.xyz));
        }
        (counts, label, xyz)
    })?;
    let centers = PyArray1::from_vec(py, xyz.into_flattened()).reshape([label.len(), 3])?;
    Ok((PyArray1::from_vec(py, counts), PyArray1::from_vec(py, label), centers))
}

fn written(graph: &ReplyGraph, frame: &ReplyFrame) -> Frame {
    let first = frame.nodes.start;
    let nodes = frame.nodes.clone().map(|node| {
        let label = graph.foreign[graph.nodes[node].label as usize].clone();
        (label, graph.nodes[node].suffix.value(), graph.nodes[node].xyz[..usize::from(graph.nodes[node].dim)].to_vec())
    });
    let edges = graph.edges[frame.edges.clone()]
        .iter()
        .map(|edge| (edge.a as usize - first, edge.b as usize - first, edge.distance, edge.angle));
    (frame.t, nodes.collect(), edges.collect())
}
