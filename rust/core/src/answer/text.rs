//! Texts: equal after case folding, trim and runs of white space to one, and in no other way.

use super::fields::{Fields, Wrong};
use super::{AnswerTruth, Graded};
use icu_casemap::CaseMapper;

/// Brings a text to the form in which texts compare.
///
/// ```
/// assert_eq!(videostr_core::answer::text::normalize("  Red \n COUCH "), "red couch");
/// ```
#[must_use]
pub fn normalize(text: &str) -> String {
    let folded = if text.is_ascii() { text.to_ascii_lowercase().into() } else { CaseMapper::new().fold_string(text) };
    let mut normal = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.push_str(word);
    }
    normal
}

pub(super) fn truth(fields: &mut Fields) -> Result<AnswerTruth, Wrong> {
    let value = normalize(fields.text("value")?);
    if value.is_empty() {
        return Err(Fields::wrong("value", "must not be empty"));
    }
    Ok(AnswerTruth::Text { value })
}

/// An empty block is no text.
pub(super) fn grade(block: &str, value: &str) -> Graded {
    let written = normalize(block);
    (!written.is_empty()).then(|| f64::from(u8::from(written == value)))
}
