//! Every golden line, through the scorer.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use videostr_core::names::{AnswerStatus, COMPONENTS, GraphStatus, Repair};
use videostr_core::reference::{PrepareError, Reference};
use videostr_core::score::{Row, Scorer, Scratch};
use videostr_core::spec::RewardSpec;

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(file)
}

/// The files whose lines are replies with their scores.
fn scored_files() -> Vec<PathBuf> {
    let entries = fs::read_dir(golden("")).expect("the folder of golden lines");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".jsonl") && !name.ends_with("_errors.jsonl")
    });
    files.sort();
    files
}

/// The lines of a file, with their numbers.
fn lines(path: &Path) -> Vec<(usize, Map<String, Value>)> {
    let text = fs::read_to_string(path).expect("a golden file");
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let lines: Vec<_> =
        lines.map(|(number, line)| (number + 1, serde_json::from_str(line).expect("a JSON object a line"))).collect();
    assert!(!lines.is_empty(), "{} holds no line", path.display());
    lines
}

fn row(scorer: &Scorer, scratch: &mut Scratch, line: &Map<String, Value>, reference: &Reference) -> Row {
    let text = line["text"].as_str().expect("text");
    let tokens = line["tokens"].as_f64();
    let row = scorer.score(scratch, text, reference, tokens);
    let Some(group) = line.get("group").and_then(Value::as_array) else { return row };
    let others = group.iter().map(|text| scorer.score(scratch, text.as_str().expect("text"), reference, tokens));
    let mut rows: Vec<Row> = std::iter::once(row).chain(others.collect::<Vec<_>>()).collect();
    let groups = vec![0; rows.len()];
    scorer.apply_groups(&mut rows, &groups, |_| reference);
    rows[0]
}

fn faults(line: &Map<String, Value>, row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |what: &str, expected: &Value, got: Value| {
        if *expected != got {
            faults.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    expect("graph_status", &line["graph_status"], GraphStatus::NAMES[row.graph_status as usize].into());
    expect("answer_status", &line["answer_status"], AnswerStatus::NAMES[row.answer_status as usize].into());
    let found = |name: &&Value| Repair::NAMES.iter().position(|known| **name == **known);
    let repairs = line["repairs"].as_array().expect("repairs");
    let bits = repairs.iter().map(|name| 1_u32 << found(&name).expect("a known repair")).sum::<u32>();
    expect("repairs", &bits.into(), row.repairs.into());
    let components = line["components"].as_object().expect("components");
    for (name, got) in COMPONENTS.iter().zip(row.components) {
        let Some(expected) = components.get(*name) else { continue };
        let expected = expected.as_f64().unwrap_or(f64::NAN);
        let near = (expected - got).abs() <= 1e-9 || (expected.is_nan() && got.is_nan());
        if !near {
            faults.push(format!("{name}: expected {expected}, got {got}"));
        }
    }
    faults
}

#[test]
fn scores() {
    let mut scratch = Scratch::default();
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in scored_files() {
        for (number, line) in lines(&path) {
            let spec = RewardSpec::from_json(&line["spec"].to_string()).expect("a spec");
            let scorer = Scorer::new(spec);
            let faults = match scorer.prepare(&line["reference"].to_string()) {
                Ok(reference) => faults(&line, &row(&scorer, &mut scratch, &line, &reference)),
                Err(error) => vec![error.to_string()],
            };
            if !faults.is_empty() {
                wrong.push(format!("{}:{number}: {}\n    {}", path.display(), line["rule"], faults.join("\n    ")));
            }
            count += 1;
        }
    }
    assert!(count > 400, "only {count} golden lines");
    assert!(wrong.is_empty(), "{} of {count} lines differ\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether an error names the field and offers the nearest right name.
fn names_it(line: &Map<String, Value>, field: &str, message: &str) -> bool {
    let nearest = line.get("nearest").and_then(Value::as_str).unwrap_or("");
    field.starts_with(line["field"].as_str().expect("field")) && message.contains(nearest)
}

#[test]
fn errors_of_references() {
    let mut wrong = Vec::new();
    for (number, line) in lines(&golden("reference_errors.jsonl")) {
        let spec = line.get("spec").map_or(Ok(RewardSpec::default()), |spec| RewardSpec::from_json(&spec.to_string()));
        let scorer = Scorer::new(spec.expect("a spec"));
        match scorer.prepare(&line["reference"].to_string()) {
            Err(PrepareError::GroundTruth(error)) if names_it(&line, &error.field, &error.message) => {}
            Err(error) => wrong.push(format!("{number}: {} ({}): {error:?}", line["rule"], line["field"])),
            Ok(_) => wrong.push(format!("{number}: {} ({}): no error", line["rule"], line["field"])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_of_specs() {
    let mut wrong = Vec::new();
    for (number, line) in lines(&golden("spec_errors.jsonl")) {
        let error = match RewardSpec::from_json(&line["spec"].to_string()) {
            Err(error) => Some(error),
            Ok(spec) => {
                match line.get("reference").map(|reference| Scorer::new(spec).prepare(&reference.to_string())) {
                    Some(Err(PrepareError::Spec(error))) => Some(error),
                    Some(Err(PrepareError::GroundTruth(error))) => {
                        wrong.push(format!("{number}: {error:?}"));
                        continue;
                    }
                    _ => None,
                }
            }
        };
        match error {
            Some(error) if names_it(&line, &error.field, &error.message) => {}
            other => wrong.push(format!("{number}: {} ({}): {other:?}", line["rule"], line["field"])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
