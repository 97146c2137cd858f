//! What must hold of any reply that was read, shared with the fuzz targets.

use videostr_core::answer::{AnswerRules, AnswerTruth, BoxRule, BoxSpace, ImageSpace, NumberRule, score_answer};
use videostr_core::labels::LabelTable;
use videostr_core::names::GraphStatus;
use videostr_core::reader::{Caps, ParseContext, Reply};
use videostr_core::units::{LengthUnit, Unit};

/// The labels of a reference.
pub(crate) fn table() -> LabelTable {
    LabelTable::new(["chair", "table", "couch"].into_iter(), &[("sofa".into(), "couch".into())])
}

/// What a reader may know of the reference.
pub(crate) fn contexts(table: &LabelTable) -> [ParseContext<'_>; 4] {
    let plain = ParseContext::default();
    let small = Caps { max_bytes: 300, max_frames: 2, max_nodes: 3, max_edges: 2 };
    [
        plain,
        ParseContext { labels: Some(table), dim: Some(2), ..plain },
        ParseContext {
            labels: Some(table),
            dim: Some(3),
            unit: Some(LengthUnit::Metre),
            think_prefilled: true,
            ..plain
        },
        ParseContext { labels: Some(table), dim: Some(2), caps: small, ..plain },
    ]
}

fn truths() -> [AnswerTruth; 5] {
    [
        AnswerTruth::Choice { letter: b'B', options: vec!["left".into(), "right".into()] },
        AnswerTruth::Number { value: 3.5, unit: Unit::named("m") },
        AnswerTruth::Box2d { value: [1.0, 2.0, 3.0, 4.0], size: [10.0, 10.0], space: ImageSpace::Pixel },
        AnswerTruth::Interval { value: [1.0, 4.0] },
        AnswerTruth::Text { value: "red couch".into() },
    ]
}

/// What must hold of any reply, however it was written.
pub(crate) fn assert_sound(text: &str, context: &ParseContext, reply: &mut Reply) {
    let graph = &reply.graph;
    let nodes = graph.nodes.len();
    assert!(graph.nodes.iter().all(|node| node.xyz.iter().all(|x| x.abs() <= 1e9)), "{text:?}");
    assert!(graph.nodes.iter().all(|node| text.is_char_boundary(node.at as usize)));
    let known = context.labels.map_or(0, LabelTable::len);
    assert!(graph.nodes.iter().all(|node| (node.label as usize) < known + graph.foreign.len()));
    assert!(graph.frames.len() <= context.caps.max_frames);
    let (mut node, mut edge) = (0, 0);
    for frame in &graph.frames {
        assert_eq!((frame.nodes.start, frame.edges.start), (node, edge), "{text:?}");
        (node, edge) = (frame.nodes.end, frame.edges.end);
        assert!(frame.nodes.len() <= context.caps.max_nodes);
        assert!(frame.t.is_none_or(f64::is_finite));
        for stated in &graph.edges[frame.edges.clone()] {
            assert!(frame.nodes.contains(&(stated.a as usize)) && frame.nodes.contains(&(stated.b as usize)));
            assert!(stated.a != stated.b && stated.distance >= 0.0 && stated.distance.is_finite());
            assert!(stated.angle.is_none_or(f64::is_finite));
        }
    }
    assert_eq!((node, edge), (nodes, graph.edges.len()), "{text:?}");
    if matches!(reply.graph_status, GraphStatus::Bad | GraphStatus::TooBig | GraphStatus::None) {
        assert!(graph.frames.is_empty());
    }
    let rules = AnswerRules { number: NumberRule::Relative, box_score: BoxRule::Giou, box_space: BoxSpace::Norm1 };
    for truth in truths() {
        for rules in [rules, AnswerRules::default()] {
            let block = reply.answer.clone();
            let (score, _) = score_answer(&truth, &rules, text, block, reply.answer_blocks, &mut reply.repairs);
            assert!((0.0..=1.0).contains(&score), "{text:?}");
        }
    }
    assert_eq!(reply.repairs.bits >> 17, 0, "{text:?}");
}
