//! References and replies from a seed: the shapes of benches/corpus.py, made without Python.

use std::fmt::Write;

use serde_json::{Value, json};

const LABELS: [&str; 12] =
    ["chair", "table", "sofa", "lamp", "bed", "desk", "shelf", "plant", "door", "window", "mug", "book"];
const PROSE: &str = "I look at the first frames and note where the large objects stand. The camera moves slowly to the \
                     right, so what is near shifts more than what is far away. I keep the names of the objects and \
                     estimate the distances between them one after the other, then I check that they fit together. ";

/// A linear congruential generator: the same numbers everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// Hundredths, as models write them.
    fn coordinate(&mut self) -> f64 {
        self.below(600) as f64 / 100.0
    }

    fn noise(&mut self) -> f64 {
        (self.below(61) as f64 - 30.0) / 100.0
    }
}

type Node = (String, [f64; 3]);

/// One reference, as JSON, and the replies to it.
pub(crate) struct Prompt {
    pub(crate) truth: String,
    pub(crate) replies: Vec<String>,
}

/// `replies` of varying quality to a scene of `frames` with `nodes.0..=nodes.1` nodes.
pub(crate) fn prompt(random: &mut Random, frames: u64, nodes: (u64, u64), replies: u64) -> Prompt {
    let n = random.between(nodes.0, nodes.1);
    let first: Vec<Node> = (0..n)
        .map(|i| {
            let label = LABELS[random.below(LABELS.len() as u64) as usize];
            (format!("{label}.{i}"), [random.coordinate(), random.coordinate(), random.coordinate()])
        })
        .collect();
    let frames: Vec<Vec<Node>> = (0..frames).map(|_| moved(random, &first)).collect();
    let truth = json!({
        "version": 1,
        "answer": {"kind": "choice", "value": "B", "options": ["one", "two", "three", "four"]},
        "graph": {"space": "world", "unit": "m", "up": [0, 0, 1], "scale": 10.0, "frames": frames.iter().enumerate().map(written).collect::<Vec<_>>()},
    });
    let replies = (0..replies).map(|_| reply(random, &frames)).collect();
    Prompt { truth: truth.to_string(), replies }
}

fn moved(random: &mut Random, nodes: &[Node]) -> Vec<Node> {
    nodes.iter().map(|(id, at)| (id.clone(), at.map(|v| round(v + random.noise())))).collect()
}

fn round(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}

fn written((t, nodes): (usize, &Vec<Node>)) -> Value {
    let node = |(id, center): &Node| json!({"id": id, "label": id.split('.').next(), "center": center});
    json!({"t": t, "nodes": nodes.iter().map(node).collect::<Vec<_>>()})
}

/// Half as JSON, half as lines; 8 % of the nodes missing, 4 % of another label, 15 % spelt otherwise, 6 % invented; 3 % of
/// the JSON fenced, 10 % cut.
fn reply(random: &mut Random, truth: &[Vec<Node>]) -> String {
    let frames: Vec<Vec<Node>> = truth.iter().map(|frame| seen(random, frame)).collect();
    let graph = if random.percent(50) { as_json(random, &frames) } else { as_lines(&frames) };
    let mut text = String::from("<think>");
    for _ in 0..random.between(5, 12) {
        text += PROSE;
    }
    let start = text.len();
    let answer = ["A", "B", "C", "D"][random.below(4) as usize];
    write!(text, "<graph>{graph}</graph> {PROSE}</think>\n<answer>{answer}</answer>").expect("text");
    if random.percent(10) {
        text.truncate(start + 7 + random.below(graph.len() as u64) as usize);
    }
    text
}

fn seen(random: &mut Random, frame: &[Node]) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (i, (id, at)) in frame.iter().enumerate() {
        if random.percent(8) {
            continue;
        }
        let other = LABELS[random.below(LABELS.len() as u64) as usize];
        let name = if random.percent(4) { format!("{other}.{}", 100 + i) } else { id.clone() };
        let name = if random.percent(15) { name.to_uppercase().replace('.', "_") } else { name };
        nodes.push((name, at.map(|v| round(v + random.noise()))));
        if random.percent(6) {
            nodes.push((
                format!("{other}.{}", 200 + i),
                [random.coordinate(), random.coordinate(), random.coordinate()],
            ));
        }
    }
    nodes
}

fn as_json(random: &mut Random, frames: &[Vec<Node>]) -> String {
    let frame = |(t, nodes): (usize, &Vec<Node>)| json!({"t": t, "nodes": nodes});
    let graph = json!({"frames": frames.iter().enumerate().map(frame).collect::<Vec<_>>()}).to_string();
    if random.percent(3) { format!("```json\n{graph}\n```") } else { graph }
}

fn as_lines(frames: &[Vec<Node>]) -> String {
    let mut text = String::new();
    for (t, nodes) in frames.iter().enumerate() {
        writeln!(text, "@{t}").expect("text");
        for (id, [x, y, z]) in nodes {
            writeln!(text, "{id} {x} {y} {z}").expect("text");
        }
    }
    text
}
