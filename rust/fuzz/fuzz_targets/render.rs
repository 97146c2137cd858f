//! Whatever can be read can be written again: the same graph in the JSON form, and in lines where its labels may stand in a
//! reference. The reference itself, rendered, is perfect (promise 7).

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use videostr_core::names::{COMPONENTS, GraphStatus};
use videostr_core::reader::ParseContext;
use videostr_core::score::{Scorer, Scratch};
use videostr_core::spans;
use videostr_core::spec::RewardSpec;
use videostr_fuzz::{plain, render};

/// Suffixes from here on stand for numbers of over 38 digits, which they do not hold whole.
const LONG: u128 = 1 << 127;
const SPECS: [&str; 2] = [r#"{"weights":{"motion":1}}"#, r#"{"preset":"video-str","angle":"centroid"}"#];
const PERFECT: [&str; 7] = ["node", "edge", "chirality", "motion", "precision", "recall", "graph"];

/// Whether an id that a reference may have also reads as one in the line form: no fence at its start, no word that could be a
/// number (`+.1`, `3m`, `nan`).
fn fits_a_line(node: &plain::Node) -> bool {
    let id = render::id(node);
    let may_be_number = |word: &str| {
        let unsigned = word.trim_start_matches(['+', '-']);
        unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') || unsigned.parse::<f64>().is_ok()
    };
    !id.starts_with("```") && !id.split(' ').any(may_be_number)
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let text = String::from_utf8_lossy(data);
    let reply = plain::read(&text, &ParseContext::default());
    let frames = plain::frames(&reply);
    let long = |node: &plain::Node| node.suffix.value().is_some_and(|number| number >= LONG);
    if frames.iter().flat_map(|frame| &frame.nodes).any(long)
        || !matches!(reply.graph_status, GraphStatus::Ok | GraphStatus::Truncated)
    {
        return Corpus::Reject;
    }
    let mut rendered = vec![render::json(&frames)];
    let truth = render::ground_truth(&frames);
    let references = SPECS.map(|spec| {
        let scorer = Scorer::new(RewardSpec::from_json(spec).expect("a spec"));
        scorer.prepare(&truth).map(|reference| (scorer, reference))
    });
    if references[0].is_ok() && frames.iter().flat_map(|frame| &frame.nodes).all(fits_a_line) {
        rendered.push(render::lines(&frames));
    }
    for graph in rendered {
        let text = format!("<think><graph>{graph}</graph></think>");
        if spans::find(&text, false).graph != Some(14..14 + graph.len()) {
            // a label that holds a tag
            continue;
        }
        let again = plain::read(&text, &ParseContext::default());
        assert_eq!((again.graph_status, again.repairs.bits), (GraphStatus::Ok, 0), "{text}");
        assert_eq!(plain::frames(&again), frames, "{text}");
        for (scorer, reference) in references.iter().flatten() {
            let row = scorer.score(&mut Scratch::default(), &text, reference, None);
            for (name, value) in COMPONENTS.iter().zip(row.components) {
                let perfect = !PERFECT.contains(name) || value.is_nan() || (value - 1.0).abs() <= 1e-9;
                assert!(perfect, "{name} {value} of {text}");
            }
        }
    }
    Corpus::Keep
});
