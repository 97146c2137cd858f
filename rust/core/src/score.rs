//! One reply, one reference, one row of numbers.

use crate::align::Aligner;
use crate::answer::{score_answer, status_without_truth};
use crate::assign::NONE;
use crate::components::{Context, chirality, consistency, counts, edge, motion, node};
use crate::explain::{self, Explanation};
use crate::geometry::{Motion, Points};
use crate::matching::Matcher;
use crate::names::{AnswerStatus, GraphStatus};
use crate::pair::Layout;
use crate::reader::{ParseContext, Reader, Reply};
use crate::reference::{PrepareError, Reference, Scene, prepare};
use crate::spec::{Norm, ReportMode, RewardSpec};
use crate::total::{self, column};
use crate::units::LengthUnit;

/// What one reply earns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Values in the order of [`crate::names::COMPONENTS`]; NaN where undefined (or, under `report: weighted`, not computed).
    pub components: [f64; 13],
    /// What was read of the graph.
    pub graph_status: GraphStatus,
    /// What was read of the answer.
    pub answer_status: AnswerStatus,
    /// One bit a kind of repair, see [`crate::names::Repair`].
    pub repairs: u32,
}

/// Memory that scoring reuses; one for each thread that scores.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) reader: Reader,
    pub(crate) reply: Reply,
    pub(crate) layout: Layout,
    pub(crate) matching: Placement,
    matcher: Matcher,
    aligner: Aligner,
    pub(crate) edges: edge::EdgeScratch,
    values: Vec<f64>,
}

/// The matching of one reply: partners, and where the reply's nodes lie when they are compared.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    /// For each node of the reference its partner among the sorted nodes of the reply, or [`NONE`].
    pub(crate) partners: Vec<u32>,
    moved: Points,
    aligned: bool,
    /// The motion of each frame of the reference.
    pub(crate) motions: Vec<Motion>,
    scales: Vec<f64>,
}

impl Placement {
    /// The reply's nodes where they are compared.
    pub(crate) fn points<'a>(&'a self, layout: &'a Layout) -> &'a Points {
        if self.aligned { &self.moved } else { &layout.points }
    }

    pub(crate) fn placed<'a>(&'a self, layout: &'a Layout, frame: usize) -> edge::Placed<'a> {
        edge::Placed { written: &layout.points, moved: self.points(layout), scale: self.motions[frame].scale }
    }
}

/// Scores replies by one spec. Immutable: any number of threads may share it, each with its own [`Scratch`].
///
/// # Examples
/// ```
/// use videostr_core::{score::{Scorer, Scratch}, spec::RewardSpec};
/// let scorer = Scorer::new(RewardSpec::default());
/// let truth = r#"{"version":1,"answer":{"kind":"choice","value":"B","options":["left","right"]}}"#;
/// let reference = scorer.prepare(truth)?;
/// let row = scorer.score(&mut Scratch::default(), "<think>so</think><answer>B</answer>", &reference, None);
/// assert_eq!(row.components[12], 2.0);
/// # Ok::<(), videostr_core::reference::PrepareError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scorer {
    spec: RewardSpec,
}

impl Scorer {
    /// A scorer of this spec.
    #[must_use]
    pub fn new(spec: RewardSpec) -> Self {
        Self { spec }
    }

    /// The spec.
    #[must_use]
    pub fn spec(&self) -> &RewardSpec {
        &self.spec
    }

    /// Checks a reference (one JSON object) and computes what depends on it and the spec alone.
    ///
    /// # Errors
    /// [`PrepareError::GroundTruth`] names the field that is wrong; [`PrepareError::Spec`] says what the spec asks for that
    /// this reference cannot give.
    pub fn prepare(&self, json: &str) -> Result<Reference, PrepareError> {
        prepare(json, &self.spec)
    }

    /// Scores one reply. No reply is an error. `tokens` is the reply's number of tokens, where it is known.
    pub fn score(&self, scratch: &mut Scratch, text: &str, reference: &Reference, tokens: Option<f64>) -> Row {
        scratch.reply.repairs.keep_places = false;
        self.read_and_score(scratch, text, reference, tokens)
    }

    /// Scores one reply and tells how: frames, pairs, edges, motion, and the place of every repair.
    pub fn explain(
        &self,
        scratch: &mut Scratch,
        text: &str,
        reference: &Reference,
        tokens: Option<f64>,
    ) -> Explanation {
        scratch.reply.repairs.keep_places = true;
        let row = self.read_and_score(scratch, text, reference, tokens);
        explain::explain(&self.spec, scratch, text, reference, row)
    }

    fn read_and_score(&self, scratch: &mut Scratch, text: &str, reference: &Reference, tokens: Option<f64>) -> Row {
        let scene = reference.scene.as_ref();
        let context = ParseContext {
            labels: scene.map(|scene| &scene.labels),
            dim: scene.map(|scene| scene.dim),
            unit: scene.filter(|scene| scene.metric).map(|_| LengthUnit::Metre),
            caps: self.spec.caps(),
            think_prefilled: self.spec.think_prefilled,
        };
        scratch.reader.read(text, &context, &mut scratch.reply);
        let mut components = [f64::NAN; 13];
        components[column::FORMAT] = f64::from(u8::from(scratch.reply.format));
        let reply = &mut scratch.reply;
        let answer_status = match &reference.answer {
            None => status_without_truth(reply.answer_blocks),
            Some(truth) => {
                let rules = self.spec.answer_rules();
                let block = reply.answer.clone();
                let (score, status) = score_answer(truth, &rules, text, block, reply.answer_blocks, &mut reply.repairs);
                components[column::ANSWER] = score;
                status
            }
        };
        if let Some(scene) = scene {
            self.score_graph(scratch, scene, &mut components);
        }
        // sums of shares round up to just over 1; NaN stays NaN
        for component in &mut components {
            *component = component.clamp(0.0, 1.0);
        }
        if self.spec.report == ReportMode::All {
            components[column::GRAPH] = total::graph(&self.spec, &components).clamp(0.0, 1.0);
            components[column::SUCCESS] = total::success(&components);
        }
        components[column::LENGTH] = total::length(&self.spec, &components, tokens);
        components[column::TOTAL] = total::total(&self.spec, &components);
        Row { components, graph_status: scratch.reply.graph_status, answer_status, repairs: scratch.reply.repairs.bits }
    }

    fn score_graph(&self, scratch: &mut Scratch, scene: &Scene, components: &mut total::Components) {
        let weights = &self.spec.weights;
        let wanted =
            [weights.node, weights.edge, weights.chirality, weights.motion].map(|weight| self.spec.computes(weight));
        if !wanted.contains(&true) {
            return;
        }
        let Scratch { reply, layout, matching, matcher, aligner, edges, values, .. } = scratch;
        layout.lay(&reply.graph, scene);
        let context = Context::new(&self.spec, scene, &reply.graph, layout);
        place(&context, matching, matcher, aligner);
        let [node, edge, chirality, motion] = wanted;
        if node {
            let partners = &matching.partners;
            components[column::NODE] = over_frames(&context, |frame| {
                let defined = context.plan().frames[frame].node_defined;
                defined.then(|| node::frame(&context, frame, partners, matching.points(layout), values))
            });
        }
        if edge {
            components[column::EDGE] = over_frames(&context, |frame| {
                let defined = scene.frames[frame].nodes.len() >= 2;
                let placed = matching.placed(layout, frame);
                defined.then(|| edge::frame(&context, edges, frame, &matching.partners, placed))
            });
        }
        if chirality {
            components[column::CHIRALITY] = over_frames(&context, |frame| {
                let tuples = context.plan().frames[frame].tuples.count();
                let scale = matching.motions[frame].scale;
                let right = || chirality::right(&context, frame, &matching.partners, &layout.points, scale);
                (tuples > 0).then(|| right() as f64 / tuples as f64)
            });
        }
        if motion {
            components[column::MOTION] = over_frames(&context, |frame| {
                let defined = !context.plan().frames[frame].steps.is_empty();
                defined.then(|| motion::frame(&context, frame, &matching.partners, matching.motions[frame].scale))
            });
        }
        if self.spec.report == ReportMode::All {
            components[column::CONSISTENCY] = consistency::mean(&context, values, &matching.scales);
            let (precision, recall) = counts::precision_recall(&context, &matching.partners);
            components[column::PRECISION] = precision;
            components[column::RECALL] = recall;
        }
    }

    /// Applies the group's half of the length rule to a batch, and sums the totals again.
    ///
    /// `group_of` numbers the group of each row; `references` gives each row's reference. Where a reference has an answer,
    /// `length` needs more than one reply of its group with an answer over `length_answer_over`.
    ///
    /// # Panics
    /// When `group_of` is not as long as `rows`.
    pub fn apply_groups<'a>(&self, rows: &mut [Row], group_of: &[u32], references: impl Fn(usize) -> &'a Reference) {
        assert_eq!(rows.len(), group_of.len(), "one group a row");
        let groups = group_of.iter().max().map_or(0, |&most| most as usize + 1);
        let mut passed = vec![0_u32; groups];
        for (row, &group) in rows.iter().zip(group_of) {
            passed[group as usize] += u32::from(row.components[column::ANSWER] > self.spec.length_answer_over);
        }
        for (index, (row, &group)) in rows.iter_mut().zip(group_of).enumerate() {
            if references(index).has_answer() && row.components[column::LENGTH] == 1.0 && passed[group as usize] < 2 {
                row.components[column::LENGTH] = 0.0;
                row.components[column::TOTAL] = total::total(&self.spec, &row.components);
            }
        }
    }
}

/// Matches the whole reply, frame of reference and all.
fn place(context: &Context<'_>, matching: &mut Placement, matcher: &mut Matcher, aligner: &mut Aligner) {
    let (scene, layout, plan) = (context.scene, context.layout, context.plan());
    matching.partners.clear();
    matching.partners.resize(scene.xyz.len(), NONE);
    matching.motions.clear();
    matching.motions.resize(scene.frames.len(), Motion::IDENTITY);
    matching.aligned = plan.turning.is_some();
    matcher.begin(scene, layout);
    match plan.turning {
        None => {
            let frames = 0..scene.frames.len();
            matcher.assign(context.spec.assignment, scene, layout, frames, &layout.points, &mut matching.partners);
        }
        Some(turning) => {
            matching.moved.resize(layout.label.len());
            for scope in &plan.scopes {
                if scope.frames.clone().all(|frame| layout.frame_blocks[frame].is_empty()) {
                    continue;
                }
                let (partners, moved) = (&mut matching.partners, &mut matching.moved);
                let motion = aligner.align(*context, scope, turning, matcher, partners, moved);
                matching.motions[scope.frames.clone()].fill(motion);
            }
        }
    }
    matching.scales.clear();
    matching.scales.extend(matching.motions.iter().map(|motion| motion.scale));
}

/// A component over the frames where it is defined: their sum, divided as the spec says; NaN where there are none.
fn over_frames(context: &Context<'_>, mut frame: impl FnMut(usize) -> Option<f64>) -> f64 {
    let (mut sum, mut defined) = (0.0, 0_usize);
    let references = context.scene.frames.len();
    for index in 0..references {
        if let Some(value) = frame(index) {
            sum += value;
            defined += 1;
        }
    }
    if defined == 0 {
        return f64::NAN;
    }
    let extra = match context.spec.frame_norm {
        Norm::Both => context.graph.frames.len().saturating_sub(references),
        Norm::Reference => 0,
    };
    sum / (defined + extra) as f64
}
