//! Scores a corpus from a file, for the comparison with the Python border: `cargo bench --bench corpus -- FILE PRESET ROUNDS`.
//!
//! FILE holds one JSON object a line, `{"reference": "{…}", "texts": ["…", …]}`. Prints the seconds of each round, one a
//! line, after one round that is not counted. They are wall-clock, of which the least counts: the CPU time in /proc moves by
//! scheduler ticks, which are longer than a round of short texts.

#![expect(clippy::print_stdout, reason = "its output is its result")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use serde::Deserialize;
use videostr_core::score::{Row, Scorer, Scratch};
use videostr_core::spec::RewardSpec;

#[derive(Deserialize)]
struct Prompt {
    reference: String,
    texts: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).filter(|given| given != "--bench").collect();
    let [file, preset, rounds] = &given[..] else {
        return Err("usage: corpus FILE PRESET ROUNDS".into());
    };
    let spec = RewardSpec::from_json(&format!(r#"{{"preset":"{preset}","report":"weighted"}}"#))?;
    let scorer = Scorer::new(spec);
    let (mut references, mut rows) = (Vec::new(), Vec::new());
    for line in fs::read_to_string(file)?.lines() {
        let prompt: Prompt = serde_json::from_str(line)?;
        rows.extend(prompt.texts.into_iter().map(|text| (text, references.len())));
        references.push(scorer.prepare(&prompt.reference)?);
    }
    let mut scratch = Scratch::default();
    for round in 0..=rounds.parse::<usize>()? {
        let begin = Instant::now();
        let scored: Vec<Row> =
            rows.iter().map(|(text, of)| scorer.score(&mut scratch, text, &references[*of], None)).collect();
        black_box(scored);
        let passed = begin.elapsed().as_secs_f64();
        if round > 0 {
            println!("{passed}");
        }
    }
    Ok(())
}
