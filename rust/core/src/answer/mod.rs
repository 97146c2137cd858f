//! Answers: the truth that a reference states, the grammar of each kind, and the score of a reply's block.

pub mod box2d;
pub mod choice;
mod fields;
pub mod interval;
pub mod number;
pub mod text;

use crate::names::{AnswerStatus, Repair, RepairLog};
use crate::units::Unit;
use fields::Fields;
use serde_json::{Map, Value};
use std::ops::Range;

pub use box2d::{BoxRule, BoxSpace, ImageSpace};
pub use number::NumberRule;

/// What a reference says the answer is.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerTruth {
    /// A letter, and the texts of the options.
    Choice {
        /// `b'A'` and up.
        letter: u8,
        /// Texts of the options; empty when the reference gives none.
        options: Vec<String>,
    },
    /// A number, and the unit it is in.
    Number {
        /// The true value, finite.
        value: f64,
        /// Its unit, if it has one.
        unit: Option<Unit>,
    },
    /// A box in an image.
    Box2d {
        /// `x1, y1, x2, y2` in `space`, with `x1 < x2` and `y1 < y2`.
        value: [f64; 4],
        /// Width and height of the image in pixels.
        size: [f64; 2],
        /// The space of `value`.
        space: ImageSpace,
    },
    /// A stretch of time in seconds.
    Interval {
        /// Start and end, `start < end`.
        value: [f64; 2],
    },
    /// A text.
    Text {
        /// In the form in which texts compare.
        value: String,
    },
}

/// How answers score: the fields of the spec that say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerRules {
    /// Of numbers.
    pub number: NumberRule,
    /// Of boxes.
    pub box_score: BoxRule,
    /// The space that the model was asked for.
    pub box_space: BoxSpace,
}

/// Kinds that are read.
const KINDS: [&str; 5] = ["choice", "number", "box2d", "interval", "text"];
/// Kinds of the contract that are not read yet.
const LATER: [&str; 3] = ["boxes2d", "box3d", "tube"];

impl AnswerTruth {
    /// From the `answer` object of a reference.
    ///
    /// # Errors
    /// The field under `answer` that is wrong, and what to do about it.
    pub fn from_json(answer: &Map<String, Value>) -> Result<Self, (String, String)> {
        let mut fields = Fields::new(answer);
        let kind = fields.text("kind")?;
        let truth = match kind {
            "choice" => choice::truth(&mut fields),
            "number" => number::truth(&mut fields),
            "box2d" => box2d::truth(&mut fields),
            "interval" => interval::truth(&mut fields),
            "text" => text::truth(&mut fields),
            later if LATER.contains(&later) => {
                let message = format!("kind {later:?} comes in a later version; this one reads {}", KINDS.join(", "));
                return Err(("kind".to_owned(), message));
            }
            other => return Err(fields::unlisted("kind", other, &KINDS)),
        }?;
        fields.no_others()?;
        Ok(truth)
    }
}

/// What one block says, read by the grammar of a kind: its score, or none when it is not in the grammar.
type Graded = Option<f64>;

/// Scores the answer block of a reply, `text[block]`: a value in [0, 1], and what was read. Repairs of the block are added.
#[must_use]
pub fn score_answer(
    truth: &AnswerTruth,
    rules: &AnswerRules,
    text: &str,
    block: Option<Range<usize>>,
    blocks: u32,
    repairs: &mut RepairLog,
) -> (f64, AnswerStatus) {
    let Some(block) = block else {
        return (0.0, AnswerStatus::None);
    };
    let start = block.start;
    let block = &text[block];
    let graded = match truth {
        AnswerTruth::Choice { letter, options } => choice::grade(block, *letter, options),
        AnswerTruth::Number { value, unit } => number::grade(block, *value, *unit, rules.number),
        AnswerTruth::Box2d { value, size, space } => {
            box2d::grade(block, value, *size, *space, *rules).map(|(score, sorted)| {
                if sorted {
                    let blanks = block.len() - block.trim_start().len();
                    repairs.note(Repair::CornersSorted, start + blanks);
                }
                score
            })
        }
        AnswerTruth::Interval { value } => interval::grade(block, *value),
        AnswerTruth::Text { value } => text::grade(block, value),
    };
    match graded {
        None => (0.0, AnswerStatus::Unreadable),
        Some(score) => (score, status_without_truth(blocks)),
    }
}

/// What was read where the reference asks for no answer.
#[must_use]
pub fn status_without_truth(blocks: u32) -> AnswerStatus {
    match blocks {
        0 => AnswerStatus::None,
        1 => AnswerStatus::Ok,
        _ => AnswerStatus::Many,
    }
}
