//! One part of the work on a fixed corpus, for benches/instructions.py, which counts the instructions of [`measured`].
//!
//! The argument names the part. Nothing is printed.

mod corpus;

use std::hint::black_box;
use std::process::ExitCode;

use corpus::{Prompt, Random, prompt};
use videostr_core::assign::Solver;
use videostr_core::reader::{ParseContext, Reader, Reply};
use videostr_core::score::{Scorer, Scratch};
use videostr_core::spec::RewardSpec;

/// Frames, nodes a frame, prompts, replies to each.
const SHAPES: [(u64, (u64, u64), u64, u64); 4] =
    [(1, (3, 30), 12, 8), (4, (3, 30), 4, 8), (16, (3, 30), 2, 4), (4, (50, 80), 1, 4)];

/// What is counted; a name of its own in the binary.
#[inline(never)]
fn measured(work: impl FnOnce()) {
    work();
}

fn prompts() -> Vec<Prompt> {
    let mut random = Random(5);
    SHAPES
        .iter()
        .flat_map(|&(frames, nodes, prompts, replies)| (0..prompts).map(move |_| (frames, nodes, replies)))
        .map(|(frames, nodes, replies)| prompt(&mut random, frames, nodes, replies))
        .collect()
}

fn parse() {
    let prompts = prompts();
    let (mut reader, mut reply) = (Reader::new(), Reply::default());
    measured(|| {
        for text in prompts.iter().flat_map(|prompt| &prompt.replies) {
            reader.read(black_box(text), &ParseContext::default(), &mut reply);
            black_box(&reply);
        }
    });
}

/// Distances between points in a room; one pair in eight is of different labels.
fn scene_like(random: &mut Random, rows: u64, columns: u64) -> Vec<f64> {
    let mut place = || [0; 3].map(|_| random.below(600) as f64 / 100.0);
    let sides: [Vec<[f64; 3]>; 2] = [rows, columns].map(|n| (0..n).map(|_| place()).collect());
    let distance = |a: &[f64; 3], b: &[f64; 3]| (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt();
    let pairs = sides[0].iter().flat_map(|a| sides[1].iter().map(move |b| distance(a, b)));
    pairs.map(|cost| if random.below(8) == 0 { 10.0 + cost } else { cost }).collect()
}

fn assign(least: u64, most: u64, problems: u64) {
    let mut random = Random(7);
    let problems: Vec<_> = (0..problems)
        .map(|_| {
            let (rows, columns) = (random.between(least, most), random.between(least, most));
            (scene_like(&mut random, rows, columns), rows as usize, columns as usize)
        })
        .collect();
    let (mut solver, mut found) = (Solver::default(), vec![0; most as usize]);
    measured(|| {
        for (cost, rows, columns) in &problems {
            solver.assign(black_box(cost), *columns, &mut found[..*rows]);
            black_box(&found);
        }
    });
}

fn score(preset: &str) {
    let scorer = Scorer::new(RewardSpec::preset(preset).expect("a preset"));
    let prompts: Vec<_> = prompts()
        .into_iter()
        .map(|prompt| (scorer.prepare(&prompt.truth).expect("a good reference"), prompt.replies))
        .collect();
    let mut scratch = Scratch::default();
    measured(|| {
        for (reference, replies) in &prompts {
            for text in replies {
                black_box(scorer.score(&mut scratch, black_box(text), reference, Some(400.0)));
            }
        }
    });
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("parse") => parse(),
        Some("assign-3-16") => assign(3, 16, 400),
        Some("assign-30-128") => assign(30, 128, 24),
        Some("score-given") => score("video-str"),
        Some("score-aligned") => score("pose-free"),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}
