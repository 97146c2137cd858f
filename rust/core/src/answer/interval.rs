//! Stretches of time: intersection over union.

use super::box2d::number_list;
use super::fields::{Fields, Wrong};
use super::{AnswerTruth, Graded};
use crate::number as decimal;

pub(super) fn truth(fields: &mut Fields) -> Result<AnswerTruth, Wrong> {
    let value: [f64; 2] = fields.numbers("value")?;
    if value[0] >= value[1] {
        return Err(Fields::wrong("value", "must be [start, end] in seconds with start < end"));
    }
    Ok(AnswerTruth::Interval { value })
}

/// `s to e` or `s-e`.
fn stretch(block: &str) -> Option<[f64; 2]> {
    let text = block.trim();
    let first = decimal::scan(text.as_bytes(), 0)?;
    let spaced = &text[first.end..];
    let rest = spaced.trim_start();
    let second = if let Some(second) = rest.strip_prefix('-') {
        second.trim_start()
    } else {
        let apart = rest.len() < spaced.len() && rest.get(..2)?.eq_ignore_ascii_case("to");
        let second = rest.get(2..).filter(|_| apart)?;
        let trimmed = second.trim_start();
        (trimmed.len() < second.len()).then_some(trimmed)?
    };
    let end = decimal::scan(second.as_bytes(), 0).filter(|end| end.end == second.len())?;
    Some([first.value, end.value])
}

pub(super) fn grade(block: &str, truth: [f64; 2]) -> Graded {
    let written = number_list(block).or_else(|| stretch(block))?;
    let shared = (written[1].min(truth[1]) - written[0].max(truth[0])).max(0.0);
    let union = (written[1] - written[0]).max(0.0) + (truth[1] - truth[0]) - shared;
    let score = shared / union;
    Some(if score.is_finite() { score } else { 0.0 })
}
