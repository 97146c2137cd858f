//! Valid JSON, which jiter reads too: the same nodes, edges, times and repairs, and numbers equal to the bit; also when every
//! character of every string is written as an escape.

#![no_main]

use jiter::JsonValue;
use libfuzzer_sys::{Corpus, fuzz_target};
use videostr_core::names::GraphStatus;
use videostr_core::reader::{Caps, ParseContext};
use videostr_core::spans;
use videostr_fuzz::{contract, plain};

const CAPS: Caps = Caps { max_bytes: 1 << 20, max_frames: 1 << 20, max_nodes: 1 << 20, max_edges: 1 << 20 };

/// The same JSON with every character of its strings as an escape.
fn escaped(json: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    let mut rest = json.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let kind = rest.next().unwrap_or_default();
                text.extend(['\\', kind]);
                text.extend(rest.by_ref().take(if kind == 'u' { 4 } else { 0 }));
            }
            '"' => {
                inside = !inside;
                text.push('"');
            }
            c if inside => text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
            c => text.push(c),
        }
    }
    text
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let (Ok(value), Ok(graph)) = (JsonValue::parse(data, false), std::str::from_utf8(data)) else {
        return Corpus::Reject;
    };
    if !matches!(value, JsonValue::Array(_) | JsonValue::Object(_)) {
        return Corpus::Reject;
    }
    let expected = contract::read(&value);
    for graph in [graph, &escaped(graph)] {
        let text = format!("<graph>{graph}</graph>");
        if spans::find(&text, false).graph != Some(7..7 + graph.len()) {
            continue;
        }
        let reply = plain::read(&text, &ParseContext { caps: CAPS, ..ParseContext::default() });
        match &expected {
            None => assert_eq!(reply.graph_status, GraphStatus::Bad, "{text}"),
            Some((frames, repairs)) => {
                assert_eq!(reply.graph_status, GraphStatus::Ok, "{text}");
                assert_eq!(&plain::frames(&reply), frames, "{text}");
                assert_eq!(&reply.repairs.bits, repairs, "{text}");
            }
        }
    }
    Corpus::Keep
});
