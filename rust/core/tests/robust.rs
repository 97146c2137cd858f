//! Hostile replies: nothing panics, everything that is read is sound, and time grows with the bytes.

mod sound;

use sound::{assert_sound, contexts, table};
use std::path::Path;
use std::time::{Duration, Instant};
use videostr_core::graph::ReplyGraph;
use videostr_core::reader::{Caps, ParseContext, Reader, Reply};

/// A small generator of numbers (xorshift), so that a failure can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap() % n.max(1)
    }
}

/// Replies to start from: those of the golden lines, and some of our own.
fn seeds() -> Vec<String> {
    let mut seeds: Vec<String> = [
        r#"<think>x<graph>{"frames":[{"t":0,"nodes":[["chair.1",[0.4,1.2]],["table.1",[1.9,0.8]]],"edges":[["chair.1","table.1",1.56,30]]}]}</graph></think><answer>B</answer>"#,
        "<think><graph>@0\nchair.1 0.4 1.2 0.5\nsofa 2 1.9 m 0.8 -4e-1\nchair.1 - sofa 1.56 30\n@1\n</graph></think><answer>3.5 m</answer>",
        "<graph>```json\n{'chair':[(0,3),[5,7]], // x\n table:[[True,NaN]]}\n```</graph><answer>[1,2,3,4]</answer>",
    ]
    .map(str::to_owned)
    .into();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let own = seeds.len();
    for entry in std::fs::read_dir(golden).expect("the folder of golden lines").flatten() {
        for line in std::fs::read_to_string(entry.path()).unwrap_or_default().lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            seeds.extend(case["text"].as_str().filter(|text| text.len() < 2000).map(str::to_owned));
        }
    }
    assert!(seeds.len() > own + 400, "only {} golden replies", seeds.len() - own);
    seeds
}

const PIECES: [&str; 52] = [
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "<graph>",
    "</graph>",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    ":",
    "\"",
    "'",
    "\\",
    "\\u",
    "\\ud800",
    "//",
    "/*",
    "*/",
    "#",
    "\n",
    "@",
    "@1",
    " ",
    "-",
    ".",
    "1",
    "e5",
    "1e999",
    "NaN",
    "-inf",
    "None",
    "true",
    "m",
    " cm",
    "°",
    "\u{2212}",
    "é",
    "ß",
    "\u{a0}",
    "```",
    "chair.1",
    "\"nodes\":",
    "\"frames\":[",
    "\"t\":0",
    "edges",
    "_",
    "99999999999999999999999999999999999999999999",
    "\0",
];

fn mutate(text: &str, seeds: &[String], random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(6) {
        let mut at = random.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let mut end = (at + random.below(12)).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let end = end.max(at);
        match random.below(6) {
            0 => text.truncate(at),
            1 => text.replace_range(at..end, ""),
            2 => text.replace_range(at..end, PIECES[random.below(PIECES.len())]),
            3 => {
                let copy = text[at..end].to_owned();
                text.insert_str(at, &copy);
            }
            4 => {
                let other = &seeds[random.below(seeds.len())];
                let mut from = random.below(other.len() + 1);
                while !other.is_char_boundary(from) {
                    from -= 1;
                }
                text.replace_range(at.., &other[from..]);
            }
            _ => text.insert_str(at, PIECES[random.below(PIECES.len())]),
        }
    }
    text
}

#[test]
fn no_mutation_of_a_reply_breaks_the_reader() {
    let table = table();
    let seeds = seeds();
    let mut random = Random(0x5eed_0001);
    let (mut reader, mut reply, mut again) = (Reader::new(), Reply::default(), Reply::default());
    let mut statuses = [0_usize; 5];
    for round in 0..8_000 {
        let text = mutate(&seeds[random.below(seeds.len())], &seeds, &mut random);
        let context = contexts(&table)[round % 4];
        reader.read(&text, &context, &mut reply);
        statuses[reply.graph_status as usize] += 1;
        if round % 8 == 0 {
            // memory that was used before changes nothing
            Reader::new().read(&text, &context, &mut again);
            let places = |graph: &ReplyGraph| graph.nodes.iter().map(|node| (node.xyz, node.label)).collect::<Vec<_>>();
            assert_eq!(places(&again.graph), places(&reply.graph), "{text:?}");
            assert_eq!((again.graph_status, again.repairs.bits), (reply.graph_status, reply.repairs.bits), "{text:?}");
            assert_eq!(
                (&again.graph.frames, &again.graph.edges),
                (&reply.graph.frames, &reply.graph.edges),
                "{text:?}"
            );
        }
        assert_sound(&text, &context, &mut reply);
    }
    assert!(statuses.iter().all(|&count| count > 20), "the mutations reach every status: {statuses:?}");
}

#[test]
fn random_pieces_break_nothing() {
    let table = table();
    let mut random = Random(0x5eed_0002);
    let (mut reader, mut reply) = (Reader::new(), Reply::default());
    for round in 0..4_000 {
        let mut text = String::from("<graph>");
        for _ in 0..random.below(60) {
            text.push_str(PIECES[random.below(PIECES.len())]);
        }
        let context = contexts(&table)[round % 4];
        reader.read(&text, &context, &mut reply);
        assert_sound(&text, &context, &mut reply);
    }
}

/// Inputs of the full size on which careless readers take quadratic time or overflow the stack.
fn hostile(bytes: usize) -> Vec<(String, String)> {
    let fill = |head: &str, piece: &str| {
        let mut text = String::from(head);
        while text.len() + piece.len() <= bytes {
            text.push_str(piece);
        }
        text
    };
    [
        ("<think>", "<think>"),
        ("", "<answer>"),
        ("", "<answer></answer>"),
        ("", "</think>"),
        ("", "<"),
        ("", "</"),
        ("", "<graph>"),
        ("", " "),
        ("<answer>", "a"),
        ("<graph>", " "),
        ("<graph>", "["),
        ("<graph>[", "[],"),
        ("<graph>[", "[ "),
        ("<graph>[\"", "a"),
        ("<graph>[\"", "\\"),
        ("<graph>[", "\"a\""),
        ("<graph>[\"", "\\u0041"),
        ("<graph>[", "/*"),
        ("<graph>[", "/* */"),
        ("<graph>[", "//\n"),
        ("<graph>[", "#\n"),
        ("<graph>[", "1"),
        ("<graph>[1.", "0"),
        ("<graph>[1e", "9"),
        ("<graph>[[\"a\",[", "1m,"),
        ("<graph>[[\"a\",[", "1 x "),
        ("<graph>{", "\"a\":1,"),
        ("<graph>{\"x\":", "{\"x\":"),
        ("<graph>{\"nodes\":[],", "\"a\":{\"t\":1},"),
        ("<graph>[", "[\"a\",[1,2]],"),
        ("<graph>[", "[\"a.1\",[1,2]],"),
        ("<graph>{\"frames\":[", "{},"),
        ("<graph>{\"frames\":[", "{\"t\":1},"),
        ("<graph>{\"a\":[", "[1,2],"),
        ("<graph>{\"x\":[", "[{}],"),
        ("<graph>{\"nodes\":[[\"a\",[1,2]],[\"b\",[1,2]]],\"edges\":[", "[\"a\",\"b\",1],"),
        ("<graph>{\"edges\":[", "[\"a\",\"b\",1],"),
        ("<graph>", "a 1 2\n"),
        ("<graph>", "a.1 1 2\n"),
        ("<graph>", "@\n"),
        ("<graph>", "@1\n"),
        ("<graph>", "@1\na 1 2\n"),
        ("<graph>", "a - b 1\n"),
        ("<graph>", "a "),
        ("<graph>", "1 "),
        ("<graph>", "1 m "),
        ("<graph>", "- "),
        ("<graph>a 1 2\n", "/*"),
        ("<graph>", "# \n"),
        ("<graph>", "\n"),
        ("<graph>", "é"),
        ("<graph>[\"é", "ß"),
        ("<graph>", "```"),
        ("<graph>", "```\n"),
        ("<answer>", "1,"),
        ("<answer>", "one "),
        ("<answer>", "-"),
        ("<answer>[", "1,"),
        ("<answer>", "9"),
        ("<answer>(", "("),
        ("<graph>[[\"a.", "9"),
        ("<graph>[[\"", "_"),
    ]
    .iter()
    .flat_map(|(head, piece)| {
        let text = fill(head, piece);
        let closed = format!("{text}</graph></answer>");
        [(format!("{head}{piece}…"), text), (format!("{head}{piece}… closed"), closed)]
    })
    .collect()
}

#[test]
fn hostile_replies_take_linear_time() {
    let table = table();
    let caps = Caps { max_bytes: 1 << 20, max_frames: 1 << 20, max_nodes: 1 << 20, max_edges: 1 << 20 };
    let (mut reader, mut reply) = (Reader::new(), Reply::default());
    for (name, text) in hostile(256 << 10) {
        let [_, flat, ..] = contexts(&table);
        for context in [flat, ParseContext { caps, ..flat }] {
            let start = Instant::now();
            reader.read(&text, &context, &mut reply);
            // far above what it takes, far below what anything quadratic takes
            let taken = start.elapsed();
            assert!(taken < Duration::from_secs(4), "{name} took {taken:?}");
        }
        reader.read(&text, &flat, &mut reply);
        assert_sound(&text, &flat, &mut reply);
    }
}
