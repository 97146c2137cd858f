//! Units of measure: their spellings and how values convert.

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Metres and their kin.
    Length,
    /// Seconds and their kin.
    Time,
    /// Degrees and radians.
    Angle,
    /// Metres a second and their kin.
    Speed,
    /// Square metres.
    Area,
}

/// A unit: a value in it, times `numerator` and divided by `denominator`, is one in the base unit of its quantity
/// (m, s, degree, m/s, m²).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// What it measures.
    pub quantity: Quantity,
    numerator: f64,
    denominator: f64,
}

/// A unit of length that a reference's graph may be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// Metres (`"unit": "m"`).
    Metre,
}

impl LengthUnit {
    /// The unit itself.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Metre => METRE,
        }
    }
}

/// The short names, for messages.
pub const UNIT_NAMES: [&str; 17] =
    ["m", "cm", "mm", "km", "ft", "in", "s", "ms", "min", "h", "deg", "°", "rad", "m/s", "km/h", "mph", "m2"];

const fn unit(quantity: Quantity, numerator: f64, denominator: f64) -> Unit {
    Unit { quantity, numerator, denominator }
}

const METRE: Unit = unit(Quantity::Length, 1.0, 1.0);
const CENTIMETRE: Unit = unit(Quantity::Length, 1.0, 100.0);
const MILLIMETRE: Unit = unit(Quantity::Length, 1.0, 1000.0);
const KILOMETRE: Unit = unit(Quantity::Length, 1000.0, 1.0);
const FOOT: Unit = unit(Quantity::Length, 3048.0, 10000.0);
const INCH: Unit = unit(Quantity::Length, 254.0, 10000.0);
const SECOND: Unit = unit(Quantity::Time, 1.0, 1.0);
const MILLISECOND: Unit = unit(Quantity::Time, 1.0, 1000.0);
const MINUTE: Unit = unit(Quantity::Time, 60.0, 1.0);
const HOUR: Unit = unit(Quantity::Time, 3600.0, 1.0);
const DEGREE: Unit = unit(Quantity::Angle, 1.0, 1.0);
const RADIAN: Unit = unit(Quantity::Angle, 180.0, std::f64::consts::PI);
const METRE_PER_SECOND: Unit = unit(Quantity::Speed, 1.0, 1.0);
const KILOMETRE_PER_HOUR: Unit = unit(Quantity::Speed, 1000.0, 3600.0);
const MILE_PER_HOUR: Unit = unit(Quantity::Speed, 1_609_344.0, 3_600_000.0);
const SQUARE_METRE: Unit = unit(Quantity::Area, 1.0, 1.0);

/// The longest word below.
const LONGEST: usize = 12;

/// The unit that one word (lower case) names.
fn word_unit(word: &[u8]) -> Option<Unit> {
    Some(match word {
        b"m" | b"metre" | b"metres" | b"meter" | b"meters" => METRE,
        b"cm" | b"centimetre" | b"centimetres" | b"centimeter" | b"centimeters" => CENTIMETRE,
        b"mm" | b"millimetre" | b"millimetres" | b"millimeter" | b"millimeters" => MILLIMETRE,
        b"km" | b"kilometre" | b"kilometres" | b"kilometer" | b"kilometers" => KILOMETRE,
        b"ft" | b"foot" | b"feet" => FOOT,
        b"in" | b"inch" | b"inches" => INCH,
        b"s" | b"sec" | b"secs" | b"second" | b"seconds" => SECOND,
        b"ms" | b"millisecond" | b"milliseconds" => MILLISECOND,
        b"min" | b"mins" | b"minute" | b"minutes" => MINUTE,
        b"h" | b"hr" | b"hrs" | b"hour" | b"hours" => HOUR,
        b"deg" | b"degs" | b"degree" | b"degrees" => DEGREE,
        b"rad" | b"rads" | b"radian" | b"radians" => RADIAN,
        b"mph" => MILE_PER_HOUR,
        b"sqm" => SQUARE_METRE,
        _ => return None,
    })
}

impl Unit {
    /// The unit that is spelt so, in any case.
    #[must_use]
    pub fn named(spelling: &str) -> Option<Self> {
        let trimmed = spelling.trim();
        Self::at_start(trimmed).filter(|&(_, end)| end == trimmed.len()).map(|(unit, _)| unit)
    }

    /// A value in `self` as one in `other`; none when they measure different things.
    #[must_use]
    pub fn convert(self, value: f64, other: Self) -> Option<f64> {
        if self == other {
            return Some(value);
        }
        (self.quantity == other.quantity)
            .then(|| value * (self.numerator * other.denominator) / (self.denominator * other.numerator))
    }

    /// The unit at the start of `text` and its length in bytes: the longest spelling that no letter, digit or `_` follows.
    #[must_use]
    pub fn at_start(text: &str) -> Option<(Self, usize)> {
        if text.starts_with('°') {
            return whole_word(text, '°'.len_utf8()).map(|end| (DEGREE, end));
        }
        let (word, end) = first_word(text)?;
        let word = &word[..end];
        let rest = &text[end..];
        let longer = match word {
            b"m" => spelled(rest, &["/", "s"]).map(|end| (METRE_PER_SECOND, end)).or_else(|| square(rest)),
            b"km" => spelled(rest, &["/", "h"]).map(|end| (KILOMETRE_PER_HOUR, end)),
            b"metre" | b"metres" | b"meter" | b"meters" => {
                spelled(rest, &[" ", "per", " ", "second"]).map(|end| (METRE_PER_SECOND, end))
            }
            b"kilometre" | b"kilometres" | b"kilometer" | b"kilometers" => {
                spelled(rest, &[" ", "per", " ", "hour"]).map(|end| (KILOMETRE_PER_HOUR, end))
            }
            b"mile" | b"miles" => spelled(rest, &[" ", "per", " ", "hour"]).map(|end| (MILE_PER_HOUR, end)),
            b"sq" | b"square" => ["m", "metre", "metres", "meter", "meters"]
                .iter()
                .find_map(|metre| spelled(rest, &[" ", metre]))
                .map(|end| (SQUARE_METRE, end)),
            _ => None,
        };
        if let Some((unit, more)) = longer {
            return Some((unit, end + more));
        }
        let unit = word_unit(word)?;
        Some((unit, whole_word(text, end)?))
    }
}

fn square(rest: &str) -> Option<(Unit, usize)> {
    ["2", "²", "^2"].iter().find_map(|power| spelled(rest, &[power])).map(|end| (SQUARE_METRE, end))
}

/// The letters at the start of `text` in lower case, and how many; none when there is no letter or too many for a unit.
fn first_word(text: &str) -> Option<([u8; LONGEST], usize)> {
    let mut word = [0; LONGEST];
    let mut end = 0;
    for &byte in text.as_bytes() {
        if !byte.is_ascii_alphabetic() {
            break;
        }
        *word.get_mut(end)? = byte.to_ascii_lowercase();
        end += 1;
    }
    (end > 0).then_some((word, end))
}

fn whole_word(text: &str, end: usize) -> Option<usize> {
    let next = text[end..].chars().next();
    next.is_none_or(|c| !c.is_alphanumeric() && c != '_').then_some(end)
}

/// Length at the start of `rest` of the parts in turn (a space is a run of blanks), if a word ends there.
fn spelled(rest: &str, parts: &[&str]) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 0;
    for &part in parts {
        if part == " " {
            let blanks = bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if blanks == 0 {
                return None;
            }
            at += blanks;
        } else {
            let end = at + part.len();
            if !bytes.get(at..end)?.eq_ignore_ascii_case(part.as_bytes()) {
                return None;
            }
            at = end;
        }
    }
    whole_word(rest, at)
}

/// A unit after a number of a graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum GraphUnit {
    /// One of [`Unit`].
    Known(Unit),
    /// Pixels: nothing to convert.
    Pixel,
}

impl GraphUnit {
    /// The unit at the start of `text` and its length in bytes.
    pub(crate) fn at_start(text: &str) -> Option<(Self, usize)> {
        if let Some((unit, end)) = Unit::at_start(text) {
            return Some((Self::Known(unit), end));
        }
        let (word, end) = first_word(text)?;
        matches!(&word[..end], b"px" | b"pixel" | b"pixels").then_some((Self::Pixel, whole_word(text, end)?))
    }

    /// A length with this unit in the reference's: converted where both are lengths, else as written.
    pub(crate) fn length(self, value: f64, reference: Option<LengthUnit>) -> f64 {
        match (self, reference) {
            (Self::Known(unit), Some(length)) => unit.convert(value, length.unit()).unwrap_or(value),
            _ => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_as_whole_words() {
        for (text, name, length) in [
            ("m", "m", 1),
            ("M.", "m", 1),
            ("cm,", "cm", 2),
            ("metres away", "m", 6),
            ("m/s", "m/s", 3),
            ("m / s", "m", 1),
            ("km/h!", "km/h", 4),
            ("Kilometers  per hour", "km/h", 20),
            ("miles per hour", "mph", 14),
            ("m2", "m2", 2),
            ("m² of it", "m2", 3),
            ("square metres", "m2", 13),
            ("°", "deg", 2),
            ("minutes", "min", 7),
            ("inches", "in", 6),
        ] {
            assert_eq!(Unit::at_start(text), Some((Unit::named(name).unwrap(), length)), "{text}");
        }
        for text in
            ["", "x", "metresx", "m_", "m3", "mé", "miles", "square", "chairs", "°C", "/s", "centimetresandmore"]
        {
            assert_eq!(Unit::at_start(text), None, "{text}");
        }
        assert_eq!(GraphUnit::at_start("px]"), Some((GraphUnit::Pixel, 2)));
        assert_eq!(GraphUnit::at_start("pxy"), None);
    }

    #[test]
    fn values_convert_within_a_quantity_only() {
        let of = |name: &str| Unit::named(name).unwrap();
        for (value, from, to, expected) in [
            (100.0, "cm", "m", 1.0),
            (7.0, "cm", "m", 0.07),
            (3.0, "ft", "m", 0.9144),
            (2.0, "in", "cm", 5.08),
            (1.5, "min", "s", 90.0),
            (10.0, "m/s", "km/h", 36.0),
            (60.0, "mph", "m/s", 26.8224),
            (180.0, "deg", "rad", std::f64::consts::PI),
        ] {
            let converted = of(from).convert(value, of(to)).unwrap();
            assert!((converted - expected).abs() <= 1e-15 * expected, "{value} {from}: {converted}");
        }
        assert_eq!(of("s").convert(1.0, of("m")), None);
        assert_eq!(of("m2").convert(1.0, of("m")), None);
    }
}
