//! Choices: a letter at the block's start, or the text of an option.

use super::fields::{Fields, Wrong};
use super::text::normalize;
use super::{AnswerTruth, Graded};

pub(super) fn truth(fields: &mut Fields) -> Result<AnswerTruth, Wrong> {
    let value = fields.text("value")?;
    let letter = match value.trim().as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => letter.to_ascii_uppercase(),
        _ => {
            return Err(Fields::wrong("value", format!("must be one letter, not {value:?}")));
        }
    };
    let mut options = Vec::new();
    if let Some(given) = fields.optional("options") {
        let list = given.as_array().filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| Fields::wrong("options", "must be a list of strings"))?;
        for (i, option) in list.iter().enumerate() {
            let option = option.as_str().ok_or_else(|| Fields::wrong(&format!("options[{i}]"), "must be a string"))?;
            options.push(normalize(option));
        }
        if usize::from(letter - b'A') >= options.len() {
            let message = format!("is {value:?}, but there are {} options", options.len());
            return Err(Fields::wrong("value", message));
        }
    }
    Ok(AnswerTruth::Choice { letter, options })
}

/// The letter that a block names at its start.
fn letter_of(block: &str) -> Option<u8> {
    let block = block.trim();
    let named = block.get(..6).filter(|word| word.eq_ignore_ascii_case("option")).map(|_| &block[6..]);
    // the word apart, or with a bracket right after it
    let named = named.filter(|rest| rest.starts_with(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '*')));
    let rest = named.map_or(block, str::trim_start).as_bytes();
    let ([letter]
    | [letter, b'.' | b')' | b':', ..]
    | [b'(', letter, b')', ..]
    | [b'[', letter, b']', ..]
    | [b'*', b'*', letter, b'*', b'*', ..]) = *rest
    else {
        return None;
    };
    letter.is_ascii_alphabetic().then(|| letter.to_ascii_uppercase())
}

pub(super) fn grade(block: &str, truth: u8, options: &[String]) -> Graded {
    if let Some(letter) = letter_of(block) {
        return Some(f64::from(u8::from(letter == truth)));
    }
    let written = normalize(block);
    if written.is_empty() || !options.contains(&written) {
        return None;
    }
    Some(f64::from(u8::from(options[usize::from(truth - b'A')] == written)))
}
