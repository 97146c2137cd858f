#![doc = include_str!("../README.md")]

mod align;
pub mod answer;
pub mod assign;
mod components;
pub mod explain;
mod geometry;
pub mod graph;
mod hash;
pub mod labels;
mod lanes;
mod matching;
pub mod names;
pub mod nearest;
mod number;
mod pair;
mod plan;
pub mod reader;
pub mod reference;
pub mod score;
mod slots;
pub mod spans;
pub mod spec;
#[cfg(test)]
mod testing;
mod total;
pub mod units;
mod wide;
