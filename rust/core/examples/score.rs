//! `cargo run --example score -- truth.json reply.txt [preset]`: scores one reply and prints what it earns.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::env;
use std::error::Error;
use std::fs;

use videostr_core::names::{AnswerStatus, COMPONENTS, GraphStatus};
use videostr_core::score::{Scorer, Scratch};
use videostr_core::spec::RewardSpec;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(truth), Some(reply)) = (arguments.next(), arguments.next()) else {
        return Err("needs two files: the ground truth (one JSON object) and the reply".into());
    };
    let spec = RewardSpec::preset(arguments.next().as_deref().unwrap_or("pose-free"))?;
    let scorer = Scorer::new(spec);
    let reference = scorer.prepare(&fs::read_to_string(truth)?)?;
    // what a model wrote may be anything, also no UTF-8
    let reply = fs::read(reply)?;
    let row = scorer.score(&mut Scratch::default(), &String::from_utf8_lossy(&reply), &reference, None);
    for (name, value) in COMPONENTS.iter().zip(row.components).filter(|(_, value)| !value.is_nan()) {
        println!("{name:13} {value:.6}");
    }
    println!("graph status  {}", GraphStatus::NAMES[row.graph_status as usize]);
    println!("answer status {}", AnswerStatus::NAMES[row.answer_status as usize]);
    Ok(())
}
