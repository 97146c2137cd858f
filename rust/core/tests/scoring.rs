//! What must hold for every reply: the order in which it is written changes no bit, motions are undone, reports agree.

use std::fmt::Write;

use serde_json::{Value, json};
use videostr_core::reference::Reference;
use videostr_core::score::{Row, Scorer, Scratch};
use videostr_core::spec::RewardSpec;

struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn coordinate(&mut self) -> f64 {
        self.below(10_000) as f64 / 1000.0
    }
}

type Node = (String, [f64; 3]);

fn scene(random: &mut Random, frames: u64, nodes: u64) -> Vec<Vec<Node>> {
    let labels = ["chair", "table", "lamp"];
    let node = |random: &mut Random, i: u64| {
        let place = [random.coordinate(), random.coordinate(), random.coordinate()];
        (format!("{}.{i}", labels[i as usize % 3]), place)
    };
    (0..frames).map(|_| (0..nodes).map(|i| node(random, i)).collect()).collect()
}

fn reference(scorer: &Scorer, frames: &[Vec<Node>], up: bool) -> Reference {
    let node = |(id, center): &Node| json!({"id": id, "label": id.split('.').next(), "center": center});
    let frame = |(t, nodes): (usize, &Vec<Node>)| json!({"t": t, "nodes": nodes.iter().map(node).collect::<Vec<_>>()});
    let frames: Vec<Value> = frames.iter().enumerate().map(frame).collect();
    let mut graph = json!({"space": "world", "unit": "m", "scale": 15, "frames": frames});
    if up {
        graph["up"] = json!([0, 0, 1]);
    }
    scorer.prepare(&json!({"version": 1, "graph": graph}).to_string()).expect("a good reference")
}

fn reply(frames: &[(usize, Vec<Node>)]) -> String {
    let mut text = String::from("<think><graph>\n");
    for (t, nodes) in frames {
        writeln!(text, "@{t}").expect("text");
        for (id, [x, y, z]) in nodes {
            writeln!(text, "{id} {x} {y} {z}").expect("text");
        }
    }
    text + "</graph></think><answer>x</answer>"
}

fn bits(row: &Row) -> Vec<u64> {
    row.components.iter().map(|value| value.to_bits()).collect()
}

fn shuffle<T>(random: &mut Random, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        items.swap(i, random.below(i as u64 + 1) as usize);
    }
}

#[test]
fn the_order_of_nodes_and_frames_changes_no_bit() {
    let mut random = Random(3);
    let mut scratch = Scratch::default();
    for preset in ["pose-free", "so3", "video-str", "coordinates"] {
        let scorer = Scorer::new(RewardSpec::preset(preset).expect("a preset"));
        for _ in 0..30 {
            let truth = scene(&mut random, 3, 7);
            let reference = reference(&scorer, &truth, false);
            let mut said: Vec<(usize, Vec<Node>)> = scene(&mut random, 3, 9).into_iter().enumerate().collect();
            said[1].1.push(("sofa".into(), [1.0; 3]));
            said[1].1.push(("chair".into(), [2.0; 3]));
            let first = scorer.score(&mut scratch, &reply(&said), &reference, None);
            for _ in 0..4 {
                shuffle(&mut random, &mut said);
                for (_, nodes) in &mut said {
                    shuffle(&mut random, nodes);
                }
                let again = scorer.score(&mut scratch, &reply(&said), &reference, None);
                assert_eq!(bits(&first), bits(&again), "{preset}");
            }
        }
    }
}

#[test]
fn a_moved_reference_is_perfect() {
    let mut random = Random(5);
    let mut scratch = Scratch::default();
    for up in [false, true] {
        let scorer = Scorer::new(RewardSpec::default());
        for _ in 0..40 {
            let truth = scene(&mut random, 2, 8);
            let reference = reference(&scorer, &truth, up);
            let (s, c) = random.coordinate().sin_cos();
            let moved = |[x, y, z]: [f64; 3]| {
                let (x, y) = (c * x - s * y + 40.0, s * x + c * y - 7.0);
                if up { [x, y, z + 3.0] } else { [z, x, y] }
            };
            let said: Vec<(usize, Vec<Node>)> = truth
                .iter()
                .map(|nodes| nodes.iter().map(|(id, place)| (id.clone(), moved(*place))).collect())
                .enumerate()
                .collect();
            let row = scorer.score(&mut scratch, &reply(&said), &reference, None);
            for (column, name) in [(2, "node"), (3, "edge"), (4, "chirality"), (5, "motion"), (9, "graph")] {
                assert!((row.components[column] - 1.0).abs() < 1e-9, "{name}: {}", row.components[column]);
            }
        }
    }
}

#[test]
fn a_weighted_report_changes_no_value() {
    let mut random = Random(7);
    let mut scratch = Scratch::default();
    for preset in videostr_core::spec::PRESETS {
        let all = Scorer::new(RewardSpec::preset(preset).expect("a preset"));
        let json = format!(r#"{{"preset":"{preset}","report":"weighted"}}"#);
        let weighted = Scorer::new(RewardSpec::from_json(&json).expect("a spec"));
        for _ in 0..20 {
            let (truth, said) = (scene(&mut random, 2, 6), scene(&mut random, 2, 6));
            let text = reply(&said.into_iter().enumerate().collect::<Vec<_>>());
            let full = all.score(&mut scratch, &text, &reference(&all, &truth, true), Some(400.0));
            let part = weighted.score(&mut scratch, &text, &reference(&weighted, &truth, true), Some(400.0));
            for (a, b) in full.components.iter().zip(part.components) {
                assert!(b.is_nan() || a.to_bits() == b.to_bits(), "{preset}: {a} {b}");
            }
            assert_eq!(full.components[12].to_bits(), part.components[12].to_bits());
        }
    }
}

#[test]
fn an_explanation_shows_the_row_and_its_parts() {
    let scorer = Scorer::new(RewardSpec::default());
    let truth =
        vec![vec![("chair.1".into(), [0.0; 3]), ("lamp.1".into(), [3.0, 0.0, 0.0]), ("bed".into(), [0.0, 4.0, 0.0])]];
    let reference = reference(&scorer, &truth, true);
    let text = "<think><graph>@0\nchair.1 0 0 0\nlamp.1 3 0 0\nsofa 1 1 1\nwhat is this</graph></think>";
    let mut scratch = Scratch::default();
    let explanation = scorer.explain(&mut scratch, text, &reference, None);
    assert_eq!(bits(&explanation.row), bits(&scorer.score(&mut scratch, text, &reference, None)));
    let frame = &explanation.frames[0];
    assert_eq!(frame.matched.iter().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["chair.1", "lamp.1"]);
    assert_eq!(frame.missing, ["bed"]);
    assert_eq!(
        frame.extra.iter().map(|node| (node.id.as_str(), node.known_label)).collect::<Vec<_>>(),
        [("sofa", false)]
    );
    assert_eq!(frame.extra[0].written, [1.0; 3]);
    let there = frame.extra[0].moved.iter().all(|x| (x - 1.0).abs() < 1e-9);
    assert!(there, "nothing had to be moved: {:?}", frame.extra[0].moved);
    assert_eq!((frame.edges[0].distance, frame.edges[0].partner_distance), (3.0, 3.0));
    assert_eq!(explanation.repairs.iter().map(|repair| repair.repair).collect::<Vec<_>>(), ["void_line"]);
    let value: Value = serde_json::to_value(&explanation).expect("JSON");
    assert_eq!(value["row"]["graph_status"], "ok");
    assert_eq!(value["row"]["components"]["precision"], json!(2.0 / 3.0));
}
