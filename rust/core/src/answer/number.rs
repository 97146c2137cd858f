//! Numbers: the first of a block, its unit, and the three ways to score it.

use super::fields::{Fields, Wrong, unlisted};
use super::{AnswerTruth, Graded};
use crate::number as decimal;
use crate::units::{UNIT_NAMES, Unit};

/// Thresholds of relative error of the `mra` rule, as VSI-Bench's own floats.
pub const MRA_THRESHOLDS: [f64; 10] = [
    0.5,
    0.449_999_999_999_999_96,
    0.4,
    0.35,
    0.300_000_000_000_000_04,
    0.25,
    0.199_999_999_999_999_96,
    0.150_000_000_000_000_02,
    0.100_000_000_000_000_09,
    0.050_000_000_000_000_044,
];

/// How a number scores against the true one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberRule {
    /// Share of [`MRA_THRESHOLDS`] that the relative error keeps.
    #[default]
    Mra,
    /// One minus the relative error, not below 0.
    Relative,
    /// Equal after rounding to two decimals, half to even.
    Exact2,
}

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

pub(super) fn truth(fields: &mut Fields) -> Result<AnswerTruth, Wrong> {
    let value = fields.number("value")?;
    let unit = match fields.optional("unit") {
        None => None,
        Some(name) => {
            let name = name.as_str().ok_or_else(|| Fields::wrong("unit", "must be a string"))?;
            Some(Unit::named(name).ok_or_else(|| unlisted("unit", name, &UNIT_NAMES))?)
        }
    };
    Ok(AnswerTruth::Number { value, unit })
}

/// The mean over the thresholds of whether the relative error keeps them; at a truth of 0 whether the number is 0 too.
#[must_use]
pub fn mra(value: f64, truth: f64) -> f64 {
    if truth == 0.0 {
        return is_zero(value);
    }
    let error = (value - truth).abs() / truth.abs();
    let kept = MRA_THRESHOLDS.iter().filter(|&&threshold| error <= threshold).count();
    kept as f64 / MRA_THRESHOLDS.len() as f64
}

fn is_zero(value: f64) -> f64 {
    f64::from(u8::from(value.abs() <= 1e-9))
}

pub(super) fn grade(block: &str, truth: f64, unit: Option<Unit>, rule: NumberRule) -> Graded {
    let (value, rest) = first_number(block)?;
    let mut value = Some(value);
    if let (Some(wanted), Some((written, length))) = (unit, Unit::at_start(rest.trim_start())) {
        let word = &rest.trim_start()[..length];
        let after = rest.trim_start()[length..].trim();
        // the word "in" is a unit only where nothing follows it
        if !word.eq_ignore_ascii_case("in") || after.is_empty() || after == "." {
            value = value.and_then(|value| written.convert(value, wanted));
        }
    }
    let value = value?;
    Some(match rule {
        NumberRule::Mra => mra(value, truth),
        NumberRule::Relative if truth == 0.0 => is_zero(value),
        NumberRule::Relative => (1.0 - (value - truth).abs() / truth.abs()).max(0.0),
        NumberRule::Exact2 => f64::from(u8::from(two_decimals(value) == two_decimals(truth))),
    })
}

/// A value rounded to two decimals, half to even, as text.
fn two_decimals(value: f64) -> String {
    let text = format!("{value:.2}");
    if text == "-0.00" { "0.00".to_owned() } else { text }
}

const fn is_minus(c: char) -> bool {
    matches!(c, '-' | '\u{2212}')
}

/// The first number of a text, and what stands right after it.
fn first_number(text: &str) -> Option<(f64, &str)> {
    let mut touched = false;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let sign = c == '+' || is_minus(c);
        let start = if sign { at + c.len_utf8() } else { at };
        // behind a letter a sign is none, and the digits after it stand alone
        let signed = sign && !touched;
        if (!sign || signed)
            && let Some((magnitude, end)) = magnitude(text, start, touched)
        {
            if !touched {
                return Some((if sign && is_minus(c) { -magnitude } else { magnitude }, &text[end..]));
            }
            touched = true;
            at = end;
            continue;
        }
        touched = c.is_alphanumeric() || c == '_';
        at += c.len_utf8();
    }
    None
}

/// A number without its sign at `at`: digits or, where nothing touches them, words; its value and its end.
fn magnitude(text: &str, at: usize, touched: bool) -> Option<(f64, usize)> {
    match text.as_bytes().get(at)? {
        b'0'..=b'9' | b'.' => digits(text, at),
        byte if byte.is_ascii_alphabetic() && !touched => words(text, at),
        _ => None,
    }
}

fn digits(text: &str, at: usize) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let group = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let lead = group(at);
    let mut end = at + lead;
    if (1..=3).contains(&lead) {
        while bytes.get(end) == Some(&b',') && group(end + 1) == 3 {
            end += 4;
        }
    }
    if end == at + lead {
        return decimal::scan(bytes, at).map(|number| (number.value, number.end));
    }
    // with thousands apart: the fraction and the exponent follow the last group
    let tail = decimal::scan(bytes, end - 1).map_or(end, |number| number.end);
    let plain: String = text[at..tail].chars().filter(|&c| c != ',').collect();
    decimal::scan(plain.as_bytes(), 0).map(|number| (number.value, tail))
}

/// A number word from zero to ninety-nine.
fn words(text: &str, at: usize) -> Option<(f64, usize)> {
    let (first, end) = word(text, at);
    let place = |names: &[&str], word: &str| names.iter().position(|name| name.eq_ignore_ascii_case(word));
    if let Some(value) = place(&ONES, first) {
        return whole(text, end).then_some((value as f64, end));
    }
    let tens = 20 + 10 * place(&TENS, first)?;
    let blanks = text[end..].len() - text[end..].trim_start().len();
    let joint = if text[end..].starts_with('-') { 1 } else { blanks };
    if joint > 0 {
        let (second, second_end) = word(text, end + joint);
        if let Some(ones @ 1..=9) = place(&ONES, second).filter(|_| whole(text, second_end)) {
            return Some(((tens + ones) as f64, second_end));
        }
    }
    whole(text, end).then_some((tens as f64, end))
}

/// The run of letters at `at`, and its end.
fn word(text: &str, at: usize) -> (&str, usize) {
    let length = text.as_bytes()[at..].iter().take(12).take_while(|byte| byte.is_ascii_alphabetic()).count();
    (&text[at..at + length], at + length)
}

/// Whether a word ends at `end`.
fn whole(text: &str, end: usize) -> bool {
    text[end..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_')
}
