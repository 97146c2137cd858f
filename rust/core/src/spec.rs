//! The reward spec: every choice that turns a reply and a reference into numbers, printable and checked.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::{AnswerRules, BoxRule, BoxSpace, NumberRule};
use crate::nearest::nearest;
use crate::reader::Caps;

/// The presets, in the order in which they are documented.
pub const PRESETS: [&str; 5] = ["pose-free", "so3", "video-str", "coordinates", "answer-only"];

/// A field of a spec that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// Name of the field, dotted (`weights.node`); empty where the spec as a whole is meant.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl SpecError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.field, self.message) }
    }
}

impl std::error::Error for SpecError {}

/// A closed list of values of one field.
trait Choice: Copy + 'static {
    const ALL: &'static [(&'static str, Self)];
}

macro_rules! choices {
    ($($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant),+
        }

        impl Choice for $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),+];
        }
    )+};
}

choices! {
    /// Motions under which the graph's scores do not change.
    Group {
        /// Yaw where the reference has `up`, else so3; SO(2) in 2-D.
        Auto = "auto",
        /// Any rotation.
        So3 = "so3",
        /// Rotation about `up`.
        Yaw = "yaw",
        /// No invariance: given coordinates.
        None = "none",
    }
    /// Where the angle of an edge is measured (group so3).
    Angle {
        /// At the mean of the matched nodes.
        Centroid = "centroid",
        /// At the observer.
        View = "view",
        /// `View` in camera space, else `Centroid`.
        Auto = "auto",
    }
    /// Which coordinates are compared.
    FrameOfReference {
        /// Aligned in world space, given in camera and image space.
        Auto = "auto",
        /// After the best proper motion of the group.
        Aligned = "aligned",
        /// As written.
        Given = "given",
    }
    /// What one motion moves.
    AlignScope {
        /// Clip in world space, frame in camera and image space.
        Auto = "auto",
        /// The whole reply.
        Clip = "clip",
        /// One frame.
        Frame = "frame",
    }
    /// How nodes of one label are paired.
    Assignment {
        /// Least total distance.
        Optimal = "optimal",
        /// Closest pair first.
        Greedy = "greedy",
        /// Same id.
        Id = "id",
    }
    /// Kernel of a node's displacement.
    NodeKernel {
        /// e^(-r/s).
        Exp = "exp",
        /// max(0, 1 - r).
        Linear = "linear",
    }
    /// Kernel of a pair's distances.
    EdgeKernel {
        /// e^(-r/s).
        Exp = "exp",
        /// max(0, 1 - r).
        Linear = "linear",
        /// Smaller over larger.
        Ratio = "ratio",
        /// One minus the relative error.
        Relative = "relative",
        /// Mean relative accuracy over ten thresholds.
        Mra = "mra",
    }
    /// Which distances of the reply enter `edge`.
    Edges {
        /// Between the predicted centres.
        Derived = "derived",
        /// As the reply states them.
        Stated = "stated",
    }
    /// What a sum is divided by.
    Norm {
        /// The larger of both sides.
        Both = "both",
        /// The reference's.
        Reference = "reference",
    }
    /// What must be earned before the graph's terms enter the total.
    Gate {
        /// Nothing.
        None = "none",
        /// An answer over 0.1.
        Answer = "answer",
        /// The format.
        Format = "format",
    }
    /// Which components are computed.
    ReportMode {
        /// Every one.
        All = "all",
        /// Those that carry weight.
        Weighted = "weighted",
    }
}

macro_rules! answer_choices {
    ($($name:ident as $module:ident { $($variant:ident = $text:literal),+ $(,)? })+) => {$(
        impl Choice for $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),+];
        }

        mod $module {
            use super::{$name, Choice};

            #[allow(clippy::trivially_copy_pass_by_ref)] // the signature that serde asks for
            pub(super) fn serialize<S: serde::Serializer>(value: &$name, to: S) -> Result<S::Ok, S::Error> {
                let name = $name::ALL.iter().find(|(_, known)| known == value).map_or("", |(name, _)| *name);
                to.serialize_str(name)
            }
        }
    )+};
}

answer_choices! {
    NumberRule as number_rule { Mra = "mra", Relative = "relative", Exact2 = "exact2" }
    BoxRule as box_rule { Iou = "iou", Giou = "giou" }
    BoxSpace as box_space { Reference = "reference", Pixel = "pixel", Norm1 = "norm1", Norm1000 = "norm1000" }
}

/// Weights of the terms of the total.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Weights {
    pub format: f64,
    pub answer: f64,
    pub node: f64,
    pub edge: f64,
    pub chirality: f64,
    pub motion: f64,
    pub length: f64,
}

impl Weights {
    const NAMES: [&'static str; 7] = ["format", "answer", "node", "edge", "chirality", "motion", "length"];

    fn field(&mut self, name: &str) -> Option<&mut f64> {
        Some(match name {
            "format" => &mut self.format,
            "answer" => &mut self.answer,
            "node" => &mut self.node,
            "edge" => &mut self.edge,
            "chirality" => &mut self.chirality,
            "motion" => &mut self.motion,
            "length" => &mut self.length,
            _ => return None,
        })
    }
}

/// Every choice of a reward. The default is the preset `pose-free`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RewardSpec {
    /// Group of motions under which scores do not change.
    pub group: Group,
    /// Where angles are measured.
    pub angle: Angle,
    /// Which coordinates are compared.
    pub frame_of_reference: FrameOfReference,
    /// What one motion moves.
    pub align_scope: AlignScope,
    /// Whether the motion may scale.
    pub free_scale: bool,
    /// Tuple starts of the search for the best motion, 1 to 1024.
    pub max_starts: u32,
    /// How nodes of one label are paired.
    pub assignment: Assignment,
    /// Kernel of `node`.
    pub node_kernel: NodeKernel,
    /// Scale s of the exponential node kernel, in units of D.
    pub node_s: f64,
    /// Average `node` over the labels of the reference.
    pub per_class: bool,
    /// Kernel of the distances in `edge`.
    pub edge_kernel: EdgeKernel,
    /// Scale s of the exponential edge kernel, in units of D.
    pub edge_s: f64,
    /// Share a of the angle in `edge`, 0 to 1.
    pub angle_weight: f64,
    /// Derived or stated distances.
    pub edges: Edges,
    /// What the sum of `edge` is divided by.
    pub edge_norm: Norm,
    /// What sums over frames are divided by.
    pub frame_norm: Norm,
    /// Scale s of the motion kernel, in units of D.
    pub motion_s: f64,
    /// Rule of number answers.
    #[serde(serialize_with = "number_rule::serialize")]
    pub number: NumberRule,
    /// Rule of box answers.
    #[serde(rename = "box", serialize_with = "box_rule::serialize")]
    pub box_rule: BoxRule,
    /// Space in which the model was asked for boxes.
    #[serde(serialize_with = "box_space::serialize")]
    pub box_space: BoxSpace,
    /// What must be earned before the graph's terms count.
    pub gate: Gate,
    /// Whether the chat template already wrote `<think>`.
    pub think_prefilled: bool,
    /// Least number of tokens that earns `length`.
    pub length_min: u64,
    /// Greatest number of tokens that earns `length`.
    pub length_max: u64,
    /// `length` needs an answer over this.
    pub length_answer_over: f64,
    /// Weights of the total.
    pub weights: Weights,
    /// All components, or those with weight.
    pub report: ReportMode,
    /// Cap on the bytes of a reply.
    pub max_bytes: u64,
    /// Cap on the frames of a graph.
    pub max_frames: u64,
    /// Cap on the nodes of a frame, at most 1024 (the assignment is exact in 64 bits up to there).
    pub max_nodes: u64,
    /// Cap on the stated edges of a graph.
    pub max_edges: u64,
}

impl Default for RewardSpec {
    fn default() -> Self {
        Self {
            group: Group::Auto,
            angle: Angle::Centroid,
            frame_of_reference: FrameOfReference::Auto,
            align_scope: AlignScope::Auto,
            free_scale: false,
            max_starts: 16,
            assignment: Assignment::Optimal,
            node_kernel: NodeKernel::Exp,
            node_s: 0.15,
            per_class: false,
            edge_kernel: EdgeKernel::Exp,
            edge_s: 0.15,
            angle_weight: 0.5,
            edges: Edges::Derived,
            edge_norm: Norm::Both,
            frame_norm: Norm::Both,
            motion_s: 0.15,
            number: NumberRule::Mra,
            box_rule: BoxRule::Iou,
            box_space: BoxSpace::Reference,
            gate: Gate::None,
            think_prefilled: false,
            length_min: 320,
            length_max: 512,
            length_answer_over: 0.1,
            weights: Weights {
                format: 1.0,
                answer: 1.0,
                node: 0.8,
                edge: 0.8,
                chirality: 0.4,
                motion: 0.0,
                length: 0.2,
            },
            report: ReportMode::All,
            max_bytes: 256 * 1024,
            max_frames: 128,
            max_nodes: 512,
            max_edges: 65_536,
        }
    }
}

impl RewardSpec {
    /// The preset of that name.
    ///
    /// # Errors
    /// [`SpecError`] naming the nearest preset when there is none of that name.
    pub fn preset(name: &str) -> Result<Self, SpecError> {
        let base = Self::default();
        Ok(match name {
            "pose-free" => base,
            "so3" => Self { group: Group::So3, angle: Angle::Centroid, ..base },
            "video-str" => Self {
                group: Group::So3,
                angle: Angle::Auto,
                frame_of_reference: FrameOfReference::Given,
                node_kernel: NodeKernel::Linear,
                per_class: true,
                edge_kernel: EdgeKernel::Linear,
                edge_norm: Norm::Reference,
                frame_norm: Norm::Reference,
                weights: Weights {
                    format: 1.0,
                    answer: 1.0,
                    node: 1.0,
                    edge: 1.0,
                    chirality: 0.0,
                    motion: 0.0,
                    length: 0.2,
                },
                ..base
            },
            "coordinates" => Self { group: Group::None, frame_of_reference: FrameOfReference::Given, ..base },
            "answer-only" => Self {
                weights: Weights {
                    format: 1.0,
                    answer: 1.0,
                    node: 0.0,
                    edge: 0.0,
                    chirality: 0.0,
                    motion: 0.0,
                    length: 0.0,
                },
                ..base
            },
            _ => {
                let message = format!(
                    "no preset {name:?}; did you mean {:?}? There are {}",
                    nearest(name, &PRESETS),
                    list(&PRESETS)
                );
                return Err(SpecError::new("preset", message));
            }
        })
    }

    /// A spec from a JSON object: `preset` (default `pose-free`) and fields that replace those of the preset; `weights`
    /// changes the named weights only.
    ///
    /// # Errors
    /// [`SpecError`] for text that is no JSON object, an unknown field, and a value outside its list or range.
    ///
    /// # Examples
    /// ```
    /// use videostr_core::spec::RewardSpec;
    /// let spec = RewardSpec::from_json(r#"{"preset":"so3","weights":{"edge":2}}"#)?;
    /// assert_eq!(spec.weights.edge, 2.0);
    /// assert_eq!(spec.weights.node, 0.8);
    /// # Ok::<(), videostr_core::spec::SpecError>(())
    /// ```
    pub fn from_json(json: &str) -> Result<Self, SpecError> {
        let value: Value = serde_json::from_str(json)
            .map_err(|error| SpecError::new("", format!("the spec is not JSON ({error}); write one JSON object")))?;
        let Value::Object(fields) = value else {
            return Err(SpecError::new("", "the spec is not a JSON object; write {\"preset\": \"pose-free\", ...}"));
        };
        Self::from_fields(&fields)
    }

    fn from_fields(fields: &Map<String, Value>) -> Result<Self, SpecError> {
        let mut spec = match fields.get("preset") {
            None => Self::default(),
            Some(Value::String(name)) => Self::preset(name)?,
            Some(_) => return Err(SpecError::new("preset", format!("must be one of {}", list(&PRESETS)))),
        };
        for (name, value) in fields {
            spec.set(name, value)?;
        }
        if spec.length_min > spec.length_max {
            let message = format!("is {}, over length_max = {}; set both", spec.length_min, spec.length_max);
            return Err(SpecError::new("length_min", message));
        }
        Ok(spec)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), SpecError> {
        match name {
            "preset" => {}
            "group" => self.group = choice(name, value)?,
            "angle" => self.angle = choice(name, value)?,
            "frame_of_reference" => self.frame_of_reference = choice(name, value)?,
            "align_scope" => self.align_scope = choice(name, value)?,
            "free_scale" => self.free_scale = boolean(name, value)?,
            "max_starts" => self.max_starts = integer(name, value, 1, 1024)? as u32,
            "assignment" => self.assignment = choice(name, value)?,
            "node_kernel" => self.node_kernel = choice(name, value)?,
            "node_s" => self.node_s = scale(name, value)?,
            "per_class" => self.per_class = boolean(name, value)?,
            "edge_kernel" => self.edge_kernel = choice(name, value)?,
            "edge_s" => self.edge_s = scale(name, value)?,
            "angle_weight" => self.angle_weight = number(name, value, 0.0, 1.0)?,
            "edges" => self.edges = choice(name, value)?,
            "edge_norm" => self.edge_norm = choice(name, value)?,
            "frame_norm" => self.frame_norm = choice(name, value)?,
            "motion_s" => self.motion_s = scale(name, value)?,
            "number" => self.number = choice(name, value)?,
            "box" => self.box_rule = choice(name, value)?,
            "box_space" => self.box_space = choice(name, value)?,
            "gate" => self.gate = choice(name, value)?,
            "think_prefilled" => self.think_prefilled = boolean(name, value)?,
            "length_min" => self.length_min = integer(name, value, 0, MAX_COUNT)?,
            "length_max" => self.length_max = integer(name, value, 0, MAX_COUNT)?,
            "length_answer_over" => self.length_answer_over = number(name, value, 0.0, 1.0)?,
            "weights" => self.set_weights(value)?,
            "report" => self.report = choice(name, value)?,
            "max_bytes" => self.max_bytes = integer(name, value, 1, MAX_COUNT)?,
            "max_frames" => self.max_frames = integer(name, value, 1, MAX_FRAMES)?,
            "max_nodes" => self.max_nodes = integer(name, value, 1, MAX_NODES)?,
            "max_edges" => self.max_edges = integer(name, value, 0, MAX_COUNT)?,
            _ => {
                let message = format!("no such field; did you mean {:?}?", nearest(name, &FIELDS));
                return Err(SpecError::new(name, message));
            }
        }
        Ok(())
    }

    fn set_weights(&mut self, value: &Value) -> Result<(), SpecError> {
        let Value::Object(weights) = value else {
            return Err(SpecError::new("weights", "must be an object of component: weight"));
        };
        for (component, weight) in weights {
            let name = format!("weights.{component}");
            let Some(field) = self.weights.field(component) else {
                let near = nearest(component, &Weights::NAMES);
                return Err(SpecError::new(name, format!("is no term of the total; did you mean {near:?}?")));
            };
            *field = number(&name, weight, 0.0, 1e6)?;
        }
        Ok(())
    }

    pub(crate) fn caps(&self) -> Caps {
        Caps {
            max_bytes: self.max_bytes as usize,
            max_frames: self.max_frames as usize,
            max_nodes: self.max_nodes as usize,
            max_edges: self.max_edges as usize,
        }
    }

    pub(crate) fn answer_rules(&self) -> AnswerRules {
        AnswerRules { number: self.number, box_score: self.box_rule, box_space: self.box_space }
    }

    /// Whether a component of this weight is computed.
    pub(crate) fn computes(&self, weight: f64) -> bool {
        self.report == ReportMode::All || weight != 0.0
    }

    /// The spec as JSON: every field, always in the same order and form, so that equal specs print alike.
    ///
    /// # Panics
    /// Never: every field is a name, a number or a boolean.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a spec holds names, numbers and booleans only")
    }
}

/// Byte offsets and counts are 32-bit.
const MAX_COUNT: u64 = 1 << 31;
const MAX_FRAMES: u64 = 1 << 16;
/// Up to here the sum of combined costs stays below 2^63 (see `assign`).
const MAX_NODES: u64 = 1024;

const FIELDS: [&str; 32] = [
    "preset",
    "group",
    "angle",
    "frame_of_reference",
    "align_scope",
    "free_scale",
    "max_starts",
    "assignment",
    "node_kernel",
    "node_s",
    "per_class",
    "edge_kernel",
    "edge_s",
    "angle_weight",
    "edges",
    "edge_norm",
    "frame_norm",
    "motion_s",
    "number",
    "box",
    "box_space",
    "gate",
    "think_prefilled",
    "length_min",
    "length_max",
    "length_answer_over",
    "weights",
    "report",
    "max_bytes",
    "max_frames",
    "max_nodes",
    "max_edges",
];

fn list(names: &[&str]) -> String {
    names.join(", ")
}

fn choice<T: Choice>(name: &str, value: &Value) -> Result<T, SpecError> {
    let names: Vec<&str> = T::ALL.iter().map(|(text, _)| *text).collect();
    if let Value::String(text) = value {
        if let Some((_, choice)) = T::ALL.iter().find(|(known, _)| known == text) {
            return Ok(*choice);
        }
        let message = format!("{text:?} is not one of {}; did you mean {:?}?", list(&names), nearest(text, &names));
        return Err(SpecError::new(name, message));
    }
    Err(SpecError::new(name, format!("must be one of {}, not {value}", list(&names))))
}

fn boolean(name: &str, value: &Value) -> Result<bool, SpecError> {
    value.as_bool().ok_or_else(|| SpecError::new(name, format!("must be true or false, not {value}")))
}

fn number(name: &str, value: &Value, least: f64, most: f64) -> Result<f64, SpecError> {
    match value.as_f64() {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(SpecError::new(name, format!("must be a number from {least} to {most}, not {value}"))),
    }
}

fn scale(name: &str, value: &Value) -> Result<f64, SpecError> {
    number(name, value, 1e-6, 1e6)
}

fn integer(name: &str, value: &Value, least: u64, most: u64) -> Result<u64, SpecError> {
    match value.as_u64() {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(SpecError::new(name, format!("must be a whole number from {least} to {most}, not {value}"))),
    }
}
