//! Frames as a reply writes them, in both surface forms.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::plain::{Frame, Node};

/// The label with its suffix.
#[must_use]
pub fn id(node: &Node) -> String {
    node.suffix.value().map_or_else(|| node.label.clone(), |number| format!("{}.{number}", node.label))
}

fn centre(node: &Node) -> &[f64] {
    &node.xyz[..node.dim.into()]
}

/// The JSON form.
#[must_use]
pub fn json(frames: &[Frame]) -> String {
    let one = |frame: &Frame| {
        let nodes = frame.nodes.iter().map(|node| json!([id(node), centre(node)]));
        let edges = frame.edges.iter().map(|edge| {
            let [a, b] = edge.ends.map(|end| id(&frame.nodes[end]));
            edge.angle.map_or_else(|| json!([a, b, edge.distance]), |angle| json!([a, b, edge.distance, angle]))
        });
        json!({"t": frame.t, "nodes": nodes.collect::<Value>(), "edges": edges.collect::<Value>()})
    };
    json!({"frames": frames.iter().map(one).collect::<Value>()}).to_string()
}

/// The line form; labels must be such as a reference may have.
#[must_use]
pub fn lines(frames: &[Frame]) -> String {
    let mut text = String::new();
    let mut write = |line: String| writeln!(text, "{line}").unwrap_or_default();
    let numbers = |numbers: &[f64]| numbers.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(" ");
    for frame in frames {
        write(format!("@{}", frame.t.map_or_else(String::new, |t| format!("{t:?}"))));
        for node in &frame.nodes {
            write(format!("{} {}", id(node), numbers(centre(node))));
        }
        for edge in &frame.edges {
            let [a, b] = edge.ends.map(|end| id(&frame.nodes[end]));
            let angle = edge.angle.map_or_else(String::new, |angle| format!(" {angle:?}"));
            write(format!("{a} - {b} {:?}{angle}", edge.distance));
        }
    }
    text
}

/// The ground truth that states these frames, where it may.
#[must_use]
pub fn ground_truth(frames: &[Frame]) -> String {
    let node = |node: &Node| json!({"id": id(node), "label": node.label, "center": centre(node)});
    let one = |frame: &Frame| json!({"t": frame.t, "nodes": frame.nodes.iter().map(node).collect::<Value>()});
    json!({"version": 1, "graph": {"space": "camera", "unit": "norm", "frames": frames.iter().map(one).collect::<Value>()}})
        .to_string()
}
