//! The reference: one JSON object, validated once, with everything computed that does not depend on a reply.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::answer::AnswerTruth;
use crate::graph::Suffix;
use crate::labels::{LabelTable, normalize_id, normalize_label};
use crate::nearest::nearest;
use crate::plan::Plan;
use crate::spec::{RewardSpec, SpecError};

/// A fault of a reference: where and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroundTruthError {
    /// Path of the field, for example `graph.frames[0].nodes[2].center[1]`; empty where the whole is meant.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for GroundTruthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.field, self.message) }
    }
}

impl std::error::Error for GroundTruthError {}

/// Why a reference cannot be prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareError {
    /// The spec asks for what this reference cannot give.
    Spec(SpecError),
    /// The reference is not good.
    GroundTruth(GroundTruthError),
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec(error) => error.fmt(f),
            Self::GroundTruth(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PrepareError {}

impl From<SpecError> for PrepareError {
    fn from(error: SpecError) -> Self {
        Self::Spec(error)
    }
}

impl From<GroundTruthError> for PrepareError {
    fn from(error: GroundTruthError) -> Self {
        Self::GroundTruth(error)
    }
}

/// The space of a graph's coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Axes that no model can know.
    World,
    /// The camera's axes; the observer is the origin.
    Camera,
    /// The picture's axes.
    Image,
}

/// A reference, checked and prepared for one spec. Immutable; any number of threads may score against it.
#[derive(Clone, Debug)]
pub struct Reference {
    pub(crate) answer: Option<AnswerTruth>,
    pub(crate) scene: Option<Scene>,
}

impl Reference {
    /// Whether there is an answer.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        self.answer.is_some()
    }

    /// Whether there is a graph.
    #[must_use]
    pub fn has_graph(&self) -> bool {
        self.scene.is_some()
    }
}

/// The graph of a reference. Nodes stand in canonical order: frame by frame, by label, suffix and centre.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) dim: u8,
    pub(crate) space: Space,
    pub(crate) metric: bool,
    /// Unit vector.
    pub(crate) up: Option<[f64; 3]>,
    /// D.
    pub(crate) scale: f64,
    pub(crate) labels: LabelTable,
    pub(crate) frames: Vec<SceneFrame>,
    pub(crate) xyz: Vec<[f64; 3]>,
    pub(crate) suffix: Vec<Suffix>,
    pub(crate) label: Vec<u32>,
    /// Ids as the reference writes them.
    pub(crate) ids: Vec<String>,
    pub(crate) plan: Plan,
}

/// One frame of the reference.
#[derive(Clone, Debug)]
pub(crate) struct SceneFrame {
    pub(crate) t: Option<f64>,
    pub(crate) observer: Option<[f64; 3]>,
    pub(crate) nodes: Range<usize>,
    /// Label and its nodes, in the order of the nodes.
    pub(crate) groups: Vec<(u32, Range<usize>)>,
}

/// Reads and checks a reference, and prepares it for the spec.
pub(crate) fn prepare(json: &str, spec: &RewardSpec) -> Result<Reference, PrepareError> {
    let value: Value = serde_json::from_str(json)
        .map_err(|error| fault("", format!("is not JSON ({error}); write one JSON object")))?;
    let root = object(&value, "", &["version", "answer", "graph", "meta"])?;
    match root.get("version") {
        Some(version) if version.as_f64() == Some(1.0) => {}
        Some(version) => return Err(fault("version", format!("is {version}; this release reads version 1")).into()),
        None => return Err(fault("version", "is missing; write \"version\": 1").into()),
    }
    let answer = match present(root, "answer") {
        None => None,
        Some(value) => {
            let Value::Object(fields) = value else {
                return Err(fault("answer", "must be an object with a kind and a value").into());
            };
            let named = |(field, message): (String, String)| {
                let path = if field.is_empty() { "answer".to_owned() } else { format!("answer.{field}") };
                fault(path, message)
            };
            Some(AnswerTruth::from_json(fields).map_err(named)?)
        }
    };
    let scene = match present(root, "graph") {
        None => None,
        Some(value) => Some(read_graph(value, spec)?),
    };
    if answer.is_none() && scene.is_none() {
        return Err(fault("graph", "is missing, and so is answer; give at least one of the two").into());
    }
    Ok(Reference { answer, scene })
}

fn fault(field: impl Into<String>, message: impl Into<String>) -> GroundTruthError {
    GroundTruthError { field: field.into(), message: message.into() }
}

/// A field that is there and not null.
fn present<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn object<'v>(value: &'v Value, path: &str, known: &[&str]) -> Result<&'v Map<String, Value>, GroundTruthError> {
    let Value::Object(fields) = value else {
        return Err(fault(path, format!("must be an object with {}", known.join(", "))));
    };
    for name in fields.keys() {
        if !known.contains(&name.as_str()) {
            let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            return Err(fault(field, format!("is unknown; did you mean {:?}?", nearest(name, known))));
        }
    }
    Ok(fields)
}

fn one_of<T: Copy>(fields: &Map<String, Value>, name: &str, known: &[(&str, T)]) -> Result<T, GroundTruthError> {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let field = format!("graph.{name}");
    match present(fields, name) {
        Some(Value::String(text)) => {
            known.iter().find(|(name, _)| name == text).map(|(_, choice)| *choice).ok_or_else(|| {
                fault(
                    field,
                    format!("{text:?} is not one of {}; did you mean {:?}?", names.join(", "), nearest(text, &names)),
                )
            })
        }
        Some(other) => Err(fault(field, format!("must be one of {}, not {other}", names.join(", ")))),
        None => Err(fault(field, format!("is missing; give one of {}", names.join(", ")))),
    }
}

fn number(value: &Value, path: impl Into<String>) -> Result<f64, GroundTruthError> {
    match value.as_f64() {
        Some(number) if number.is_finite() => Ok(number),
        _ => Err(fault(path, format!("must be a finite number, not {value}"))),
    }
}

/// A point of two or three numbers, and its dimension.
fn point(value: &Value, path: &str) -> Result<([f64; 3], u8), GroundTruthError> {
    let Some(list) = value.as_array().filter(|list| (2..=3).contains(&list.len())) else {
        return Err(fault(path, format!("must be a list of 2 or 3 numbers, not {value}")));
    };
    let mut p = [0.0; 3];
    for (i, entry) in list.iter().enumerate() {
        let field = format!("{path}[{i}]");
        p[i] = number(entry, field.clone())?;
        if p[i].abs() > 1e9 {
            return Err(fault(field, format!("is {entry}; magnitudes go up to 1e9")));
        }
    }
    Ok((p, list.len() as u8))
}

/// Demands one dimension of every point of a graph.
#[derive(Default)]
struct Dimension(Option<u8>);

impl Dimension {
    fn agree(&mut self, dim: u8, path: &str) -> Result<(), GroundTruthError> {
        match self.0 {
            Some(first) if first != dim => Err(fault(
                path,
                format!("has {dim} numbers where the first node has {first}; use one dimension for all"),
            )),
            _ => {
                self.0 = Some(dim);
                Ok(())
            }
        }
    }
}

fn read_aliases(fields: &Map<String, Value>) -> Result<Vec<(String, String)>, GroundTruthError> {
    let Some(value) = present(fields, "aliases") else { return Ok(Vec::new()) };
    let Value::Object(map) = value else {
        return Err(fault("graph.aliases", "must be an object of written label: label of the reference"));
    };
    let mut aliases = Vec::with_capacity(map.len());
    for (from, to) in map {
        let path = format!("graph.aliases.{from}");
        let Value::String(to) = to else {
            return Err(fault(path, format!("must be a label, not {to}")));
        };
        let (mut name, mut target) = (String::new(), String::new());
        normalize_label(from, &mut name);
        normalize_label(to, &mut target);
        if name.is_empty() || target.is_empty() {
            return Err(fault(path, "a label is not empty"));
        }
        aliases.push((name, target));
    }
    Ok(aliases)
}

/// Why this text cannot be a label, if it cannot.
fn label_fault(raw: &str, scratch: &mut String) -> Option<&'static str> {
    if raw.chars().any(|c| ",:;#@()[]{}".contains(c)) {
        return Some("a label has none of , : ; # @ or brackets");
    }
    if raw.contains("//") || raw.contains("/*") {
        return Some("a label has no // and no /*, which start comments");
    }
    if raw.split_whitespace().any(|word| word == "-") {
        return Some("a label has no lone -, which joins the ends of an edge");
    }
    let suffix = normalize_id(raw, scratch);
    if scratch.is_empty() {
        return Some("a label is not empty");
    }
    let last = raw.split_whitespace().last().unwrap_or("");
    let ends_in_number = last.parse::<f64>().is_ok() && last.contains(|c: char| c.is_ascii_digit());
    if suffix != Suffix::NONE || ends_in_number {
        return Some("a label does not end in a number, which would be read as the suffix of an id");
    }
    None
}

/// A node as it stands in the JSON.
struct RawNode {
    label: String,
    suffix: Suffix,
    xyz: [f64; 3],
    id: String,
}

fn text<'v>(fields: &'v Map<String, Value>, name: &str, path: &str) -> Result<&'v str, GroundTruthError> {
    match present(fields, name) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(fault(format!("{path}.{name}"), format!("must be text, not {other}"))),
        None => Err(fault(format!("{path}.{name}"), "is missing")),
    }
}

fn read_node(value: &Value, path: &str, dimension: &mut Dimension) -> Result<RawNode, GroundTruthError> {
    let fields = object(value, path, &["id", "label", "center", "meta"])?;
    let id = text(fields, "id", path)?;
    let raw_label = text(fields, "label", path)?;
    let (mut label, mut of_id) = (String::new(), String::new());
    if let Some(message) = label_fault(raw_label, &mut label) {
        return Err(fault(format!("{path}.label"), format!("{raw_label:?}: {message}")));
    }
    let suffix = normalize_id(id, &mut of_id);
    if of_id != label {
        let message =
            format!("{id:?} has the label {of_id:?}, the node says {label:?}; write label.number or the bare label");
        return Err(fault(format!("{path}.id"), message));
    }
    let field = format!("{path}.center");
    let Some(center) = present(fields, "center") else { return Err(fault(field, "is missing")) };
    let (xyz, dim) = point(center, &field)?;
    dimension.agree(dim, &field)?;
    Ok(RawNode { label, suffix, xyz, id: id.to_owned() })
}

struct RawFrame {
    t: Option<f64>,
    observer: Option<[f64; 3]>,
    nodes: Vec<RawNode>,
}

fn read_frame(
    value: &Value,
    path: &str,
    spec: &RewardSpec,
    dimension: &mut Dimension,
) -> Result<RawFrame, GroundTruthError> {
    let fields = object(value, path, &["t", "observer", "nodes", "meta"])?;
    let t = present(fields, "t").map(|t| number(t, format!("{path}.t"))).transpose()?;
    let field = format!("{path}.nodes");
    let list = match present(fields, "nodes").and_then(Value::as_array) {
        Some(list) if !list.is_empty() => list,
        _ => return Err(fault(field, "must be a list of at least one node")),
    };
    // A cap that was lowered for replies does not make a reference bad.
    let most = spec.max_nodes.max(RewardSpec::default().max_nodes);
    if list.len() as u64 > most {
        return Err(fault(field, format!("holds {} nodes, more than {most}", list.len())));
    }
    let nodes = list.iter().enumerate().map(|(i, node)| read_node(node, &format!("{field}[{i}]"), dimension));
    let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    let observer = match present(fields, "observer") {
        None => None,
        Some(value) => {
            let field = format!("{path}.observer");
            let (xyz, dim) = point(value, &field)?;
            dimension.agree(dim, &field)?;
            Some(xyz)
        }
    };
    Ok(RawFrame { t, observer, nodes })
}

fn check_times(frames: &[RawFrame]) -> Result<(), GroundTruthError> {
    let timed = frames.iter().filter(|frame| frame.t.is_some()).count();
    if timed != 0 && timed != frames.len() {
        let missing = frames.iter().position(|frame| frame.t.is_none()).unwrap_or(0);
        return Err(fault(format!("graph.frames[{missing}].t"), "is missing; give a time for all frames or for none"));
    }
    for (i, pair) in frames.windows(2).enumerate() {
        if let (Some(before), Some(t)) = (pair[0].t, pair[1].t)
            && t <= before
        {
            let message = format!("is {t}, not after {before} of the frame before; order the frames by time");
            return Err(fault(format!("graph.frames[{}].t", i + 1), message));
        }
    }
    Ok(())
}

fn read_up(fields: &Map<String, Value>, dimension: &mut Dimension) -> Result<Option<[f64; 3]>, GroundTruthError> {
    let Some(value) = present(fields, "up") else { return Ok(None) };
    let (up, dim) = point(value, "graph.up")?;
    dimension.agree(dim, "graph.up")?;
    let length = crate::geometry::norm(up);
    if length == 0.0 || !length.is_normal() {
        return Err(fault("graph.up", "must not be zero"));
    }
    Ok(Some(up.map(|entry| entry / length)))
}

/// The diagonal of the box around all centres, or 1 when that is 0.
fn diagonal(frames: &[RawFrame]) -> f64 {
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for node in frames.iter().flat_map(|frame| &frame.nodes) {
        for (i, &entry) in node.xyz.iter().enumerate() {
            low[i] = low[i].min(entry);
            high[i] = high[i].max(entry);
        }
    }
    let length = crate::geometry::distance(high, low);
    if length >= LEAST_SCALE { length } else { 1.0 }
}

/// Below this a scale is taken for 0: its cube must stay a number.
const LEAST_SCALE: f64 = 1e-12;

fn read_graph(value: &Value, spec: &RewardSpec) -> Result<Scene, PrepareError> {
    let fields = object(value, "graph", &["space", "unit", "up", "scale", "aliases", "frames", "meta"])?;
    let space =
        one_of(fields, "space", &[("world", Space::World), ("camera", Space::Camera), ("image", Space::Image)])?;
    let metric = one_of(fields, "unit", &[("m", true), ("px", false), ("norm", false)])?;
    let aliases = read_aliases(fields)?;
    let list = match present(fields, "frames").and_then(Value::as_array) {
        Some(list) if !list.is_empty() => list,
        _ => return Err(fault("graph.frames", "must be a list of at least one frame").into()),
    };
    let most = spec.max_frames.max(RewardSpec::default().max_frames);
    if list.len() as u64 > most {
        return Err(fault("graph.frames", format!("holds {} frames, more than {most}", list.len())).into());
    }
    let mut dimension = Dimension::default();
    let read = |(i, frame)| read_frame(frame, &format!("graph.frames[{i}]"), spec, &mut dimension);
    let raw = list.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    check_times(&raw)?;
    let up = read_up(fields, &mut dimension)?;
    let scale = match present(fields, "scale") {
        None => diagonal(&raw),
        Some(value) => match number(value, "graph.scale")? {
            scale if (LEAST_SCALE..=1.0 / LEAST_SCALE).contains(&scale) => scale,
            _ => return Err(fault("graph.scale", format!("must be over 0 (from 1e-12 to 1e12), not {value}")).into()),
        },
    };
    let names: BTreeSet<&str> = raw.iter().flat_map(|frame| &frame.nodes).map(|node| node.label.as_str()).collect();
    let labels = LabelTable::new(names.into_iter(), &aliases);
    let mut scene = Scene {
        dim: dimension.0.unwrap_or(3),
        space,
        metric,
        up,
        scale,
        labels,
        frames: Vec::with_capacity(raw.len()),
        xyz: Vec::new(),
        suffix: Vec::new(),
        label: Vec::new(),
        ids: Vec::new(),
        plan: Plan::default(),
    };
    for (index, frame) in raw.into_iter().enumerate() {
        scene.push_frame(index, frame)?;
    }
    scene.plan = Plan::new(&scene, spec)?;
    Ok(scene)
}

impl Scene {
    /// Adds a frame with its nodes in canonical order.
    fn push_frame(&mut self, index: usize, frame: RawFrame) -> Result<(), GroundTruthError> {
        let start = self.xyz.len();
        let mut nodes: Vec<(usize, u32, RawNode)> = Vec::with_capacity(frame.nodes.len());
        for (i, node) in frame.nodes.into_iter().enumerate() {
            let Some(label) = self.labels.id_of(&node.label) else {
                return Err(fault(format!("graph.frames[{index}].nodes[{i}].label"), "is not in the table of labels"));
            };
            nodes.push((i, label, node));
        }
        let key = |(_, label, node): &(usize, u32, RawNode)| (self.labels.name(*label), node.suffix);
        nodes.sort_by(|a, b| key(a).cmp(&key(b)).then(a.0.cmp(&b.0)));
        for pair in nodes.windows(2) {
            if key(&pair[0]) == key(&pair[1]) {
                let (first, second) = (pair[0].0, &pair[1]);
                let message = format!(
                    "{:?} is also the id of nodes[{first}] of this frame; ids are unique in a frame",
                    second.2.id
                );
                return Err(fault(format!("graph.frames[{index}].nodes[{}].id", second.0), message));
            }
        }
        let mut groups: Vec<(u32, Range<usize>)> = Vec::new();
        for (position, (_, label, node)) in nodes.into_iter().enumerate() {
            match groups.last_mut() {
                Some((last, range)) if *last == label => range.end = start + position + 1,
                _ => groups.push((label, start + position..start + position + 1)),
            }
            self.xyz.push(node.xyz);
            self.suffix.push(node.suffix);
            self.label.push(label);
            self.ids.push(node.id);
        }
        self.frames.push(SceneFrame { t: frame.t, observer: frame.observer, nodes: start..self.xyz.len(), groups });
        Ok(())
    }

    /// D·D.
    pub(crate) fn area(&self) -> f64 {
        self.scale * self.scale
    }
}
