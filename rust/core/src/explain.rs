//! How a reply came to its numbers, in a form that a program or a page can show.

use serde::Serialize;

use crate::assign::NONE;
use crate::components::{Context, chirality, edge};
use crate::geometry::{Motion, distance};
use crate::graph::Suffix;
use crate::names::{AnswerStatus, COMPONENTS, GraphStatus};
use crate::pair::Layout;
use crate::reference::{Reference, Scene};
use crate::score::{Row, Scratch};
use crate::spec::{ReportMode, RewardSpec};

/// The whole account of one reply.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The row itself.
    #[serde(serialize_with = "named_row")]
    pub row: Row,
    /// Text of the answer block that counts.
    pub answer: Option<String>,
    /// Every repair.
    pub repairs: Vec<RepairPlace>,
    /// The frames of the reference.
    pub frames: Vec<FrameAccount>,
    /// Frames of the reply without a partner: their numbers, from 0 as written.
    pub extra_frames: Vec<usize>,
}

/// One repair and where it was made.
#[derive(Clone, Debug, Serialize)]
pub struct RepairPlace {
    /// Name of the repair.
    pub repair: &'static str,
    /// Byte offset in the reply.
    pub at: u32,
}

/// One frame of the reference and its partner.
#[derive(Clone, Debug, Serialize)]
pub struct FrameAccount {
    /// Number of the frame, from 0.
    pub frame: usize,
    /// Its time.
    pub t: Option<f64>,
    /// Number of the reply's frame, from 0 as written.
    pub partner: Option<usize>,
    /// The partner's time.
    pub partner_t: Option<f64>,
    /// The motion that was applied to the reply, where one was.
    pub motion: Option<MotionAccount>,
    /// The matched nodes.
    pub matched: Vec<NodeAccount>,
    /// Ids of the reference's nodes without a partner.
    pub missing: Vec<String>,
    /// Nodes of the reply without a partner.
    pub extra: Vec<ExtraNode>,
    /// The pairs with both ends matched.
    pub edges: Vec<EdgeAccount>,
    /// Clearly oriented tuples of the reference whose images have the same sign.
    pub chirality_right: usize,
    /// Clearly oriented tuples of the reference.
    pub chirality_of: usize,
}

/// x ↦ scale · rotation · x + shift.
#[derive(Clone, Debug, Serialize)]
pub struct MotionAccount {
    /// Rows of the rotation.
    pub rotation: [[f64; 3]; 3],
    /// Translation.
    pub shift: [f64; 3],
    /// Scale.
    pub scale: f64,
}

/// A matched pair of nodes.
#[derive(Clone, Debug, Serialize)]
pub struct NodeAccount {
    /// Id in the reference.
    pub id: String,
    /// Id in the reply.
    pub partner: String,
    /// Byte offset of the node in the reply.
    pub at: u32,
    /// Centre in the reference.
    pub center: Vec<f64>,
    /// Centre as the reply writes it.
    pub written: Vec<f64>,
    /// Centre where it was compared.
    pub moved: Vec<f64>,
    /// Distance, in the reference's unit.
    pub distance: f64,
    /// The node kernel.
    pub kernel: f64,
}

/// A node of the reply that matched nothing.
#[derive(Clone, Debug, Serialize)]
pub struct ExtraNode {
    /// Its id.
    pub id: String,
    /// Byte offset in the reply.
    pub at: u32,
    /// Whether the reference knows its label at all.
    pub known_label: bool,
    /// Centre as the reply writes it.
    pub written: Vec<f64>,
    /// Centre in the reference's frame, by the motion of the reply.
    pub moved: Vec<f64>,
}

/// A pair of matched nodes.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeAccount {
    /// Ids in the reference.
    pub ends: [String; 2],
    /// Distance in the reference.
    pub distance: f64,
    /// Distance in the reply.
    pub partner_distance: f64,
    /// The distance kernel.
    pub distance_kernel: f64,
    /// The angle kernel; none where the reference's pair has no angle.
    pub angle_kernel: Option<f64>,
    /// What the pair adds to the sum.
    pub value: f64,
}

#[derive(Serialize)]
struct RowAccount {
    components: serde_json::Map<String, serde_json::Value>,
    graph_status: &'static str,
    answer_status: &'static str,
    repairs: u32,
}

fn named_row<S: serde::Serializer>(row: &Row, to: S) -> Result<S::Ok, S::Error> {
    let named = |(name, value): (&&str, &f64)| ((*name).to_owned(), serde_json::Value::from(*value));
    RowAccount {
        components: COMPONENTS.iter().zip(&row.components).map(named).collect(),
        graph_status: GraphStatus::NAMES[row.graph_status as usize],
        answer_status: AnswerStatus::NAMES[row.answer_status as usize],
        repairs: row.repairs,
    }
    .serialize(to)
}

/// Gathers the account from what scoring left in the scratch memory.
pub(crate) fn explain(
    spec: &RewardSpec,
    scratch: &mut Scratch,
    text: &str,
    reference: &Reference,
    row: Row,
) -> Explanation {
    let repairs = &scratch.reply.repairs.places;
    let mut explanation = Explanation {
        row,
        answer: scratch.reply.answer.clone().map(|block| text[block].to_owned()),
        repairs: repairs.iter().map(|&(repair, at)| RepairPlace { repair: repair.name(), at }).collect(),
        frames: Vec::new(),
        extra_frames: Vec::new(),
    };
    let Some(scene) = &reference.scene else { return explanation };
    if spec.report == ReportMode::Weighted {
        // What carries no weight was not computed: compute everything for the account.
        let scorer = crate::score::Scorer::new(RewardSpec { report: ReportMode::All, ..spec.clone() });
        let full = scorer.explain(scratch, text, reference, None);
        explanation.frames = full.frames;
        explanation.extra_frames = full.extra_frames;
        return explanation;
    }
    for frame in 0..scene.frames.len() {
        explanation.frames.push(account(spec, scratch, scene, frame));
    }
    let partner = &scratch.layout.partner;
    explanation.extra_frames =
        (0..scratch.reply.graph.frames.len()).filter(|&frame| !partner.contains(&(frame as u32))).collect();
    explanation
}

fn account(spec: &RewardSpec, scratch: &mut Scratch, scene: &Scene, frame: usize) -> FrameAccount {
    let Scratch { reply, layout, matching, edges, .. } = scratch;
    let context = Context::new(spec, scene, &reply.graph, layout);
    let nodes = scene.frames[frame].nodes.clone();
    let partner = layout.partner[frame];
    let partner = (partner != NONE).then_some(partner as usize);
    let name = |j: usize| reply_name(&context, layout, j);
    let dim = usize::from(scene.dim);
    let (mut matched, mut missing) = (Vec::new(), Vec::new());
    for i in nodes.clone() {
        if matching.partners[i] == NONE {
            missing.push(scene.ids[i].clone());
            continue;
        }
        let j = matching.partners[i] as usize;
        let moved = matching.points(layout).at(j);
        let apart = distance(scene.xyz[i], moved);
        matched.push(NodeAccount {
            id: scene.ids[i].clone(),
            partner: name(j),
            at: reply.graph.nodes[layout.source[j] as usize].at,
            center: scene.xyz[i][..dim].to_vec(),
            written: layout.points.at(j)[..dim].to_vec(),
            moved: moved[..dim].to_vec(),
            distance: apart,
            kernel: context.node.of(apart / scene.scale),
        });
    }
    let motion: Motion = matching.motions[frame];
    let of_partner = partner.map_or(0..0, |partner| layout.frames[partner].clone());
    let alone = |j: &usize| !matching.partners[nodes.clone()].contains(&(*j as u32));
    let extra = of_partner.filter(alone).map(|j| ExtraNode {
        id: name(j),
        at: reply.graph.nodes[layout.source[j] as usize].at,
        known_label: (layout.label[j] as usize) < scene.labels.len(),
        written: layout.points.at(j)[..dim].to_vec(),
        moved: motion.apply(layout.points.at(j))[..dim].to_vec(), // alignment moves no foreign label
    });
    let mut pairs = Vec::new();
    edge::show(&context, edges, frame, &matching.partners, matching.placed(layout, frame), &mut |term| {
        pairs.push(EdgeAccount {
            ends: [term.first, term.second].map(|rank| scene.ids[nodes.start + rank].clone()),
            distance: term.distance,
            partner_distance: term.image,
            distance_kernel: term.distance_kernel,
            angle_kernel: term.angle_kernel,
            value: term.value,
        });
    });
    let aligned = scene.plan.turning.is_some() && partner.is_some();
    FrameAccount {
        frame,
        t: scene.frames[frame].t,
        partner,
        partner_t: partner.and_then(|partner| reply.graph.frames[partner].t),
        motion: aligned.then_some(MotionAccount {
            rotation: motion.rotation,
            shift: motion.shift,
            scale: motion.scale,
        }),
        matched,
        missing,
        extra: extra.collect(),
        edges: pairs,
        chirality_right: chirality::right(&context, frame, &matching.partners, &layout.points, motion.scale),
        chirality_of: scene.plan.frames[frame].tuples.count(),
    }
}

/// The normalised id of a node of the reply.
fn reply_name(context: &Context<'_>, layout: &Layout, j: usize) -> String {
    let label = layout.label[j] as usize;
    let table = &context.scene.labels;
    let name = if label < table.len() { table.name(label as u32) } else { &context.graph.foreign[label - table.len()] };
    match layout.suffix[j] {
        Suffix::NONE => name.to_owned(),
        suffix => suffix.value().map_or_else(|| name.to_owned(), |number| format!("{name}.{number}")),
    }
}
