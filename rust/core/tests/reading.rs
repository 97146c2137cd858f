//! The worked examples of the contract, as far as reading goes: format, answer, both statuses, repairs.

use serde_json::Value;
use std::path::{Path, PathBuf};
use videostr_core::answer::{
    AnswerRules, AnswerTruth, BoxRule, BoxSpace, NumberRule, score_answer, status_without_truth,
};
use videostr_core::labels::{LabelTable, normalize_label};
use videostr_core::names::{AnswerStatus, GraphStatus, Repair};
use videostr_core::reader::{Caps, ParseContext, Reader, Reply};
use videostr_core::units::LengthUnit;

/// The golden files of the checkout.
fn files() -> Vec<PathBuf> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let entries = std::fs::read_dir(&golden).unwrap_or_else(|error| panic!("{}: {error}", golden.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "jsonl"));
    files
}

fn normal(label: &str) -> String {
    let mut out = String::new();
    normalize_label(label, &mut out);
    out
}

fn labels(graph: &Value) -> LabelTable {
    let frames = graph["frames"].as_array().into_iter().flatten();
    let nodes = frames.flat_map(|frame| frame["nodes"].as_array().into_iter().flatten());
    let names: Vec<String> = nodes.map(|node| normal(node["label"].as_str().unwrap())).collect();
    let aliases: Vec<(String, String)> = graph["aliases"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(from, to)| (normal(from), normal(to.as_str().unwrap())))
        .collect();
    LabelTable::new(names.iter().map(String::as_str), &aliases)
}

fn caps(spec: &Value) -> Caps {
    let mut caps = Caps::default();
    for (name, cap) in [
        ("max_bytes", &mut caps.max_bytes),
        ("max_frames", &mut caps.max_frames),
        ("max_nodes", &mut caps.max_nodes),
        ("max_edges", &mut caps.max_edges),
    ] {
        if let Some(given) = spec[name].as_u64() {
            *cap = usize::try_from(given).unwrap();
        }
    }
    caps
}

fn rules(spec: &Value) -> AnswerRules {
    AnswerRules {
        number: match spec["number"].as_str() {
            Some("relative") => NumberRule::Relative,
            Some("exact2") => NumberRule::Exact2,
            _ => NumberRule::Mra,
        },
        box_score: if spec["box"] == "giou" { BoxRule::Giou } else { BoxRule::Iou },
        box_space: match spec["box_space"].as_str() {
            Some("pixel") => BoxSpace::Pixel,
            Some("norm1") => BoxSpace::Norm1,
            Some("norm1000") => BoxSpace::Norm1000,
            _ => BoxSpace::Reference,
        },
    }
}

/// What differs between a line's expectation and what is read, in words.
fn differences(case: &Value, reader: &mut Reader) -> Vec<String> {
    let (spec, reference) = (&case["spec"], &case["reference"]);
    let graph = &reference["graph"];
    let table = labels(graph);
    let dim = graph["frames"][0]["nodes"][0]["center"].as_array().map(|center| u8::try_from(center.len()).unwrap());
    let context = ParseContext {
        labels: graph.is_object().then_some(&table),
        dim,
        unit: (graph["unit"] == "m").then_some(LengthUnit::Metre),
        caps: caps(spec),
        think_prefilled: spec["think_prefilled"] == true,
    };
    let text = case["text"].as_str().unwrap();
    let mut reply = Reply::default();
    reader.read(text, &context, &mut reply);
    let (answer, status) = match reference["answer"].as_object() {
        None => (None, status_without_truth(reply.answer_blocks)),
        Some(answer) => {
            let truth = AnswerTruth::from_json(answer).unwrap();
            let block = reply.answer.clone();
            let (score, status) =
                score_answer(&truth, &rules(spec), text, block, reply.answer_blocks, &mut reply.repairs);
            (Some(score), status)
        }
    };
    let mut wrong = Vec::new();
    let mut check = |what: &str, expected: &Value, found: Value| {
        let same = match (expected.as_f64(), found.as_f64()) {
            (Some(expected), Some(found)) => (expected - found).abs() <= 1e-9,
            _ => *expected == found,
        };
        if !same {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    check("format", &case["components"]["format"], Value::from(f64::from(u8::from(reply.format))));
    check("answer", &case["components"]["answer"], answer.map_or(Value::Null, Value::from));
    check("graph_status", &case["graph_status"], GraphStatus::NAMES[reply.graph_status as usize].into());
    check("answer_status", &case["answer_status"], AnswerStatus::NAMES[status as usize].into());
    let bits = reply.repairs.bits;
    let found: Vec<&str> = (0..32).filter(|bit| bits >> bit & 1 == 1).map(|bit| Repair::NAMES[bit]).collect();
    let mut expected = case["repairs"].as_array().unwrap().clone();
    expected.sort_by_key(|name| Repair::NAMES.iter().position(|known| name == known));
    check("repairs", &Value::Array(expected), found.into());
    wrong
}

#[test]
fn every_line_reads_as_stated() {
    let mut reader = Reader::new();
    let (mut lines, mut wrong) = (0, Vec::new());
    for path in files() {
        for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            let case: Value = serde_json::from_str(line).unwrap();
            if case["components"].is_object() && case["text"].is_string() {
                lines += 1;
                let found = differences(&case, &mut reader);
                if !found.is_empty() {
                    wrong.push(format!("{}:{} {}: {found:?}", path.display(), number + 1, case["rule"]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {lines} lines:\n{}", wrong.len(), wrong.join("\n"));
    assert!(lines >= 300, "only {lines} golden lines found");
}
