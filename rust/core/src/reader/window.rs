//! The node as the prompts show it, found by looking at 64 bytes at once: what [`super::template`] reads, where it is not longer.

#![expect(clippy::inline_always, reason = "what uses registers must be inlined, see `wide`")]

use super::template::{POWERS, TemplateNode, eight_digits, plain_number, splat};
use crate::graph::Suffix;
use fearless_simd::prelude::*;
use fearless_simd::u8x64;

/// Bytes that are looked at together.
const SIZE: usize = 64;
/// As many more as are read from the start of a number that begins among them.
const READ: usize = SIZE + 8;
/// An id has to be closed this soon, and a node a little before the end.
const LONGEST_ID: u32 = 48;
/// Bytes of a label that is looked up by itself.
const SHORT: usize = 16;

/// An id whose label is short, and may be one of the reference as it stands: the label's bytes as a number, and the suffix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ShortId {
    pub(super) label: u128,
    pub(super) suffix: Suffix,
}

/// Bytes, and where those of a kind stand among the first, a bit each.
struct Window<'t> {
    bytes: &'t [u8; READ],
    quotes: u64,
    /// Commas and closing brackets.
    ends: u64,
    points: u64,
    digits: u64,
    /// Backslashes and control characters.
    odd: u64,
}

impl<'t> Window<'t> {
    #[inline(always)]
    fn look<S: Simd>(simd: S, bytes: &'t [u8; READ]) -> Option<Self> {
        let seen = u8x64::simd_from(simd, *bytes.first_chunk()?);
        Some(Self {
            bytes,
            quotes: seen.simd_eq(b'"').to_bitmask(),
            ends: (seen.simd_eq(b',') | seen.simd_eq(b']')).to_bitmask(),
            points: seen.simd_eq(b'.').to_bitmask(),
            digits: (seen - b'0').simd_le(9).to_bitmask(),
            odd: (seen.simd_eq(b'\\') | seen.simd_le(31)).to_bitmask(),
        })
    }

    /// One of the first bytes.
    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        self.bytes[at as usize % SIZE]
    }

    /// Eight bytes from one of the first on, the digits among them as numbers.
    #[inline(always)]
    fn eight(&self, at: u32) -> u64 {
        let at = at as usize % SIZE;
        u64::from_le_bytes(*self.bytes[at..at + 8].first_chunk().unwrap_or(&[0; 8])) ^ splat(b'0')
    }
}

/// The bits below one of the first 64.
#[inline(always)]
fn below(bit: u32) -> u64 {
    (1 << bit) - 1
}

/// The node at the start of `bytes[at..]`, which begins with `[`, and its id where that is short.
#[inline(always)]
pub(super) fn node<S: Simd>(simd: S, bytes: &[u8], at: usize) -> Option<(TemplateNode, Option<ShortId>)> {
    let mut last = [0; READ];
    let here = if let Some(bytes) = bytes.get(at..at + READ).and_then(<[u8]>::first_chunk) {
        bytes
    } else {
        let rest = bytes.get(at..)?;
        last[..rest.len()].copy_from_slice(rest);
        &last
    };
    let window = Window::look(simd, here)?;
    let quotes = window.quotes & !3;
    let close = quotes.trailing_zeros();
    if window.byte(1) != b'"' || close > LONGEST_ID || window.odd & below(close) & !3 != 0 {
        return None;
    }
    if window.byte(close + 1) != b',' {
        return None;
    }
    let open = close + 2 + u32::from(window.byte(close + 2) == b' ');
    if window.byte(open) != b'[' {
        return None;
    }
    let mut place = open + 1;
    // What is found among these is followed by two more bytes of the window.
    let mut ends = window.ends & !below(place) & below(61);
    let mut xyz = [0.0; 3];
    for (k, number) in xyz.iter_mut().enumerate() {
        if ends == 0 {
            return None;
        }
        let end = ends.trailing_zeros();
        ends &= ends - 1;
        *number = self::number(&window, place, end)?;
        place = end + 1;
        if window.byte(end) == b']' {
            if window.byte(place) != b']' {
                return None;
            }
            let id = at + 2..at + close as usize;
            let node = TemplateNode { id, xyz, dim: k as u8 + 1, end: at + place as usize + 1 };
            return Some((node, short_id(&window, close)));
        }
        place += u32::from(window.byte(place) == b' ');
    }
    None
}

/// The number between two places of the window.
#[inline(always)]
fn number(window: &Window<'_>, first: u32, end: u32) -> Option<f64> {
    let negative = u32::from(window.byte(first) == b'-');
    let first = first + negative;
    let length = end.wrapping_sub(first);
    if length.wrapping_sub(1) > 7 {
        return long_number(window.bytes, first - negative, end);
    }
    let all = below(length);
    let points = window.points >> first & all;
    let whole = points.trailing_zeros().min(length);
    let decimals = length - whole - u32::from(points != 0);
    let word = window.eight(first);
    // One test of all that may be wrong: other bytes, a second point, one at an end, a zero before other digits.
    let others = !(window.digits >> first) & all ^ points;
    let at_end = points & (1 | 1 << (length - 1));
    let zero = u64::from(word as u8 == 0) & u64::from(whole > 1);
    if others | points & points.wrapping_sub(1) | at_end | zero != 0 {
        return None;
    }
    // The digits before the point and those behind it, side by side; what else there is goes at the shift.
    let before = u64::MAX >> (64 - 8 * whole);
    let digits = (word & before | word >> 8 & !before) << (64 - 8 * (whole + decimals));
    let magnitude = eight_digits(digits).cast_signed() as f64 / POWERS[decimals as usize % POWERS.len()];
    Some(f64::from_bits(magnitude.to_bits() | u64::from(negative) << 63))
}

#[cold]
fn long_number(bytes: &[u8; READ], first: u32, end: u32) -> Option<f64> {
    let (value, read) = plain_number(bytes, first as usize, [b',', b']'])?;
    (read == end as usize).then_some(value)
}

/// The id before the quote at `close`: a label of at most [`SHORT`] bytes, then at most eight digits behind a mark or none.
#[inline(always)]
fn short_id(window: &Window<'_>, close: u32) -> Option<ShortId> {
    let digits = (!(window.digits << (SIZE as u32 - close))).leading_zeros().min(close - 2);
    let start = close - digits;
    let mut label = start - 2;
    let mut suffix = Suffix::NONE;
    if digits > 0 {
        let marked = matches!(window.byte(start - 1), b'.' | b'_' | b'-' | b'#' | b' ');
        if digits > 8 || label < 2 || !marked {
            return None;
        }
        label -= 1;
        suffix = Suffix::number(eight_digits(window.eight(start) << (64 - 8 * digits)).into());
    }
    if label.wrapping_sub(1) >= SHORT as u32 {
        return None;
    }
    let unused = 128 - 8 * label;
    let word = u128::from_le_bytes(*window.bytes[2..].first_chunk()?);
    Some(ShortId { label: word << unused >> unused, suffix })
}

/// The same label, folded and spaced, where that takes no more than smaller letters and other marks.
pub(super) fn folded(label: u128) -> Option<u128> {
    let mut bytes = label.to_le_bytes();
    for byte in &mut bytes {
        *byte = match *byte {
            b'_' | b'-' => b' ',
            letter @ b'A'..=b'Z' => letter | 0x20,
            other => other,
        };
    }
    let mut before = b' ';
    for byte in bytes {
        if byte >= 0x80 || before == b' ' && matches!(byte, b' ' | 0) {
            return None;
        }
        before = byte;
        if byte == 0 {
            break;
        }
    }
    (before != b' ').then_some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::normalize_id;
    use crate::wide::{Vectored, vectored};

    struct Read<'a>(&'a [u8]);

    impl Vectored for Read<'_> {
        type Out = Option<(TemplateNode, Option<ShortId>)>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Out {
            node(simd, self.0, 0)
        }
    }

    #[test]
    fn reads_what_the_template_reads() {
        let names = [
            "a",
            "chair.1",
            "Chair_1",
            "x-007",
            "Lamp#3",
            "The_desk 4",
            "a__b.1",
            "TV-",
            "é",
            "a very long label.1",
            ".1",
            "",
        ];
        let numbers =
            ["0", "1.25", "-3", "12.5", "0.123456", "1234567.8", "-0.0", "01", "1.", ".5", "1e3", "123456789", "-", ""];
        let ends = ["]]", "]]", "]]", "]", "],", "] ]", ""];
        let faults = ["\"", "\\", "\n", ",", "]", "[", " ", "-", ".", "7", "é"];
        let mut state = 3_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut good = [0; 3];
        for _ in 0..200_000 {
            let name = names[random(names.len())];
            let mut text = format!("[\"{name}\",{}[", ["", " "][random(2)]);
            for k in 0..=random(2) {
                text += if k > 0 { [",", ", "][random(2)] } else { "" };
                text += numbers[random(numbers.len())];
            }
            text += ends[random(ends.len())];
            if random(3) == 0 {
                let at = random(text.len());
                text.insert_str((0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0), faults[random(11)]);
            }
            text += &", x".repeat(40);
            let slow = super::super::template::node(text.as_bytes(), 0);
            let Some((fast, id)) = vectored(Read(text.as_bytes())) else {
                let end = slow.map_or(0, |node| node.end);
                assert!(end == 0 || end > 40, "{text}");
                continue;
            };
            let slow = slow.unwrap_or_else(|| panic!("{text}"));
            assert_eq!((&fast.id, fast.dim, fast.end), (&slow.id, slow.dim, slow.end), "{text}");
            assert_eq!(fast.xyz.map(f64::to_bits), slow.xyz.map(f64::to_bits), "{text}");
            good[0] += 1;
            let Some(id) = id else { continue };
            // Where the label is in normal form, so is what was cut off it.
            let label: Vec<u8> = id.label.to_le_bytes().into_iter().take_while(|&byte| byte != 0).collect();
            let mut normal = String::new();
            let suffix = normalize_id(&text[fast.id], &mut normal);
            if normal.as_bytes() == label {
                assert_eq!(id.suffix, suffix, "{text}");
                good[1] += 1;
            }
            if let Some(folded) = folded(id.label) {
                let label: Vec<u8> = folded.to_le_bytes().into_iter().take_while(|&byte| byte != 0).collect();
                assert_eq!((normal.as_bytes(), suffix), (&*label, id.suffix), "{text}");
                good[2] += 1;
            }
        }
        assert!(good.iter().all(|count| *count > 5_000), "{good:?}");
    }
}
