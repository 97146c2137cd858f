//! What a graph in valid JSON says by docs/scoring.md, section 1: from a value that another parser read to frames.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use jiter::JsonValue;
use videostr_core::graph::Suffix;
use videostr_core::labels::normalize_id;
use videostr_core::names::Repair;

use crate::plain::{Edge, Frame, Node};

const MAX_DEPTH: usize = 24;
const FARTHEST: f64 = 1e9;

type Members<'v, 'j> = &'v [(Cow<'j, str>, JsonValue<'j>)];
type Id = (String, Suffix);
/// Ends, distance and angle.
type Stated = ([Id; 2], f64, Option<f64>);

/// The frames and the repairs of a list or an object; none where the graph is bad.
#[must_use]
pub fn read(value: &JsonValue) -> Option<(Vec<Frame>, u32)> {
    if depth(value) > MAX_DEPTH {
        return None;
    }
    let mut contract = Contract { repairs: 0 };
    if has_repeated_key(value) {
        contract.note(Repair::RepeatedKey);
    }
    let mut frames = match value {
        JsonValue::Array(items) => vec![contract.frame(None, items, &[])],
        JsonValue::Object(members) => {
            match members.iter().map(|(key, _)| key.as_ref()).find(|key| matches!(*key, "frames" | "nodes")) {
                Some("frames") => list(first(members, "frames"))?
                    .iter()
                    .map(|frame| object(frame).and_then(|members| contract.frame_object(members)))
                    .collect::<Option<_>>()?,
                Some(_) => vec![contract.frame_object(members)?],
                None => vec![contract.category_map(members)?],
            }
        }
        _ => return None,
    };
    contract.merge(&mut frames);
    Some((frames, contract.repairs))
}

fn depth(value: &JsonValue) -> usize {
    match value {
        JsonValue::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        JsonValue::Object(members) => 1 + members.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

fn has_repeated_key(value: &JsonValue) -> bool {
    match value {
        JsonValue::Array(items) => items.iter().any(has_repeated_key),
        JsonValue::Object(members) => {
            let mut seen = HashSet::new();
            members.iter().any(|(key, value)| !seen.insert(key) || has_repeated_key(value))
        }
        _ => false,
    }
}

/// Of a repeated key the first counts.
fn first<'v, 'j>(members: Members<'v, 'j>, name: &str) -> Option<&'v JsonValue<'j>> {
    members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn list<'v, 'j>(value: Option<&'v JsonValue<'j>>) -> Option<&'v [JsonValue<'j>]> {
    match value {
        Some(JsonValue::Array(items)) => Some(items),
        _ => None,
    }
}

fn object<'v, 'j>(value: &'v JsonValue<'j>) -> Option<Members<'v, 'j>> {
    match value {
        JsonValue::Object(members) => Some(members),
        _ => None,
    }
}

fn number(value: &JsonValue) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "the nearest float64 is what is meant")]
        JsonValue::Int(number) => Some(*number as f64),
        JsonValue::BigInt(number) => number.to_string().parse().ok(),
        JsonValue::Float(number) => Some(*number),
        _ => None,
    }
}

fn id(value: &JsonValue) -> Option<Id> {
    match value {
        JsonValue::Str(name) => id_of(name),
        _ => None,
    }
}

fn id_of(name: &str) -> Option<Id> {
    let mut label = String::new();
    let suffix = normalize_id(name, &mut label);
    (!label.is_empty()).then_some((label, suffix))
}

fn node((label, suffix): Id, centre: &[JsonValue]) -> Option<Node> {
    let mut xyz = [0.0; 3];
    if !(2..=3).contains(&centre.len()) {
        return None;
    }
    for (place, value) in xyz.iter_mut().zip(centre) {
        // adding 0 makes -0 the same place as 0
        *place = number(value).filter(|value| value.abs() <= FARTHEST)? + 0.0;
    }
    Some(Node { label, suffix, xyz, dim: if centre.len() == 2 { 2 } else { 3 } })
}

/// `["chair.1",[1,2]]` or `{"id":"chair.1","center":[1,2]}`.
fn written_node(value: &JsonValue) -> Option<Node> {
    match value {
        JsonValue::Array(items) => match items.as_slice() {
            [name, JsonValue::Array(centre)] => node(id(name)?, centre),
            _ => None,
        },
        JsonValue::Object(members) => {
            let is_name = |name: &&str| matches!(first(members, name), Some(JsonValue::Str(_)));
            let name = ["id", "label"].into_iter().find(is_name)?;
            let mut places = HashSet::new();
            let place = members.iter().find_map(|(key, value)| {
                let counts = matches!(key.as_ref(), "center" | "pos" | "position") && places.insert(key);
                if counts { list(Some(value)) } else { None }
            });
            node(id(first(members, name)?)?, place?)
        }
        _ => None,
    }
}

/// `["chair.1","table.1",1.56,30]`.
fn written_edge(value: &JsonValue) -> Option<Stated> {
    let (first, second, distance, angle) = match list(Some(value))? {
        [first, second, distance] => (first, second, distance, None),
        [first, second, distance, angle] => (first, second, distance, number(angle)),
        _ => return None,
    };
    let distance = number(distance).filter(|distance| *distance >= 0.0 && distance.is_finite())?;
    Some(([id(first)?, id(second)?], distance, angle.filter(|angle| angle.is_finite())))
}

struct Contract {
    repairs: u32,
}

impl Contract {
    fn note(&mut self, repair: Repair) {
        self.repairs |= repair.bit();
    }

    fn frame_object(&mut self, members: Members) -> Option<Frame> {
        let entries = |name| match first(members, name) {
            None => Some([].as_slice()),
            value => list(value),
        };
        let t = first(members, "t").and_then(number).filter(|t| t.is_finite()).map(|t| t + 0.0);
        Some(self.frame(t, entries("nodes")?, entries("edges")?))
    }

    fn category_map(&mut self, members: Members) -> Option<Frame> {
        let mut seen = HashSet::new();
        let mut written = Vec::new();
        for (label, centres) in members.iter().filter(|(label, _)| seen.insert(label)) {
            let flat = |centre| list(Some(centre)).filter(|centre| centre.len() == 2);
            written.extend(list(Some(centres))?.iter().map(|centre| node(id_of(label)?, flat(centre)?)));
        }
        Some(self.finish(None, written, Vec::new()))
    }

    fn frame(&mut self, t: Option<f64>, nodes: &[JsonValue], edges: &[JsonValue]) -> Frame {
        self.finish(t, nodes.iter().map(written_node).collect(), edges.iter().map(written_edge).collect())
    }

    /// Drops what is void and what is doubled.
    fn finish(&mut self, t: Option<f64>, written: Vec<Option<Node>>, stated: Vec<Option<Stated>>) -> Frame {
        if written.iter().any(Option::is_none) {
            self.note(Repair::VoidNode);
        }
        let all: Vec<Node> = written.into_iter().flatten().collect();
        // an id means its node of the smallest centre, of equals the first
        let meant = |id: &Id| {
            let same = (0..all.len()).filter(|&i| (&all[i].label, all[i].suffix) == (&id.0, id.1));
            same.min_by(|&a, &b| all[a].compare_centres(&all[b]))
        };
        let stays =
            |i: &usize| all[*i].suffix == Suffix::NONE || meant(&(all[*i].label.clone(), all[*i].suffix)) == Some(*i);
        let kept: Vec<usize> = (0..all.len()).filter(stays).collect();
        if kept.len() < all.len() {
            self.note(Repair::DuplicateId);
        }
        let mut edges: Vec<Edge> = Vec::new();
        for edge in stated {
            let ends = edge.as_ref().map(|(ids, ..)| ids.each_ref().map(meant));
            let (Some((_, distance, angle)), Some([Some(a), Some(b)])) = (edge, ends) else {
                self.note(Repair::VoidEdge);
                continue;
            };
            if a == b {
                self.note(Repair::VoidEdge);
                continue;
            }
            let ends = [a, b].map(|end| kept.partition_point(|&i| i < end));
            if !edges.iter().any(|edge| edge.ends == ends || edge.ends == [ends[1], ends[0]]) {
                edges.push(Edge { ends, distance, angle });
            }
        }
        Frame { t, nodes: kept.into_iter().map(|i| all[i].clone()).collect(), edges }
    }

    /// Of frames with one time keeps the one whose sorted nodes come first.
    fn merge(&mut self, frames: &mut Vec<Frame>) {
        let loses = |i: usize| {
            (0..frames.len()).filter(|&j| j != i && frames[i].t.is_some() && frames[i].t == frames[j].t).any(|j| {
                let order = compare_frames(&frames[j], &frames[i]);
                order.is_lt() || order.is_eq() && j < i
            })
        };
        let kept: Vec<Frame> = (0..frames.len()).filter(|&i| !loses(i)).map(|i| frames[i].clone()).collect();
        if kept.len() < frames.len() {
            self.note(Repair::DuplicateId);
        }
        *frames = kept;
    }
}

/// By the sorted nodes, then by the edges between places in that order.
fn compare_frames(a: &Frame, b: &Frame) -> Ordering {
    let sorted = |frame: &Frame| {
        let mut order: Vec<usize> = (0..frame.nodes.len()).collect();
        order.sort_by(|&i, &j| frame.nodes[i].compare(&frame.nodes[j]));
        let rank = |end: usize| order.iter().position(|&i| i == end).unwrap_or_default();
        let mut edges: Vec<_> = frame
            .edges
            .iter()
            .map(|edge| {
                let [a, b] = edge.ends.map(rank);
                (a.min(b), a.max(b), edge.distance, edge.angle)
            })
            .collect();
        edges.sort_by(compare_edges);
        (order.into_iter().map(|i| frame.nodes[i].clone()).collect::<Vec<_>>(), edges)
    };
    let ((a_nodes, a_edges), (b_nodes, b_edges)) = (sorted(a), sorted(b));
    let nodes = a_nodes.iter().zip(&b_nodes).map(|(a, b)| a.compare(b)).find(|order| order.is_ne());
    let edges = a_edges.iter().zip(&b_edges).map(|(a, b)| compare_edges(a, b)).find(|order| order.is_ne());
    nodes.unwrap_or(a_nodes.len().cmp(&b_nodes.len())).then(edges.unwrap_or(a_edges.len().cmp(&b_edges.len())))
}

type RankedEdge = (usize, usize, f64, Option<f64>);

fn compare_edges(a: &RankedEdge, b: &RankedEdge) -> Ordering {
    let angle = |edge: &RankedEdge| edge.3.unwrap_or(f64::INFINITY);
    (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).then(angle(a).total_cmp(&angle(b)))
}
