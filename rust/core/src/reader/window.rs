//! The node as the prompts show it, found by looking at 64 bytes at once: what [`super::template`] reads, where it is not longer.

#![expect(clippy::inline_always, reason = "what uses registers must be inlined, see `wide`")]

use super::digits::{Digits, Number};
use super::template::{POWERS, TemplateNode};
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

/// Bytes, and where those of a kind stand among the first, a bit each.
struct Window<'t> {
    bytes: &'t [u8; READ],
    quotes: u64,
    commas: u64,
    brackets: u64,
    spaces: u64,
    signs: u64,
    points: u64,
    digits: u64,
    zeros: u64,
    /// Backslashes and control characters.
    odd: u64,
    newlines: u64,
    underscores: u64,
    letters: u64,
    /// Those with which a word begins that may be a number: "nan" and "inf".
    infinite: u64,
}

impl<'t> Window<'t> {
    /// Looks at the first of `rest`, in `last` where the text ends among them.
    #[inline(always)]
    fn look<S: Simd>(simd: S, rest: &'t [u8], last: &'t mut Option<[u8; READ]>) -> Option<Self> {
        let bytes = match rest.first_chunk() {
            Some(bytes) => bytes,
            None => last.insert(padded(rest)),
        };
        let seen = u8x64::simd_from(simd, *bytes.first_chunk()?);
        let small = seen | 0x20;
        Some(Self {
            bytes,
            quotes: seen.simd_eq(b'"').to_bitmask(),
            commas: seen.simd_eq(b',').to_bitmask(),
            brackets: seen.simd_eq(b']').to_bitmask(),
            spaces: seen.simd_eq(b' ').to_bitmask(),
            signs: seen.simd_eq(b'-').to_bitmask(),
            points: seen.simd_eq(b'.').to_bitmask(),
            digits: (seen - b'0').simd_le(9).to_bitmask(),
            zeros: seen.simd_eq(b'0').to_bitmask(),
            odd: (seen.simd_eq(b'\\') | seen.simd_le(31)).to_bitmask(),
            newlines: seen.simd_eq(b'\n').to_bitmask(),
            underscores: seen.simd_eq(b'_').to_bitmask(),
            letters: (small - b'a').simd_le(25).to_bitmask(),
            infinite: (small.simd_eq(b'n') | small.simd_eq(b'i')).to_bitmask(),
        })
    }

    /// One of the first bytes.
    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        self.bytes[at as usize % SIZE]
    }

    /// Eight bytes from one of the first on.
    #[inline(always)]
    fn eight(&self, at: u32) -> u64 {
        let at = at as usize % SIZE;
        u64::from_le_bytes(*self.bytes[at..at + 8].first_chunk().unwrap_or(&[0; 8]))
    }

    /// Where the numbers of a list begin, behind their signs, and where they end, the last at the place `end`; none where any
    /// of the bytes from `open` to there is not as JSON has it, or not as simple: one test of all that may be wrong. Between
    /// numbers stands a comma, behind which may be one blank.
    #[inline(always)]
    fn numbers(&self, open: u32, end: u32, commas: u64, blanks: u64) -> Option<(u64, u64)> {
        let close = 1 << (end % 64);
        let inside = (close - 1) & !below(open);
        let digits = self.digits;
        let body = digits | self.points;
        let first = body & !(body << 1);
        let behind = !body & (body << 1);
        let faults = (behind ^ commas) | blanks & !(commas << 1) | self.signs & !(first >> 1)
            | !(body | commas | blanks | self.signs)
            | self.points & !(digits << 1 & digits >> 1)
            // a carry runs from a point to the next comma: a point that it meets is the second of a number
            | (!commas).wrapping_add(self.points & inside) & self.points
            | self.zeros & first & digits >> 1;
        (faults & inside | !behind & close == 0).then_some((first & inside, behind & (inside | close)))
    }
}

/// The bits below one of the first 64.
#[inline(always)]
fn below(bit: u32) -> u64 {
    (1 << bit) - 1
}

/// A node as it was found, from the start of a window.
pub(super) struct Found {
    /// Its numbers, where they are short, and its suffix, where `label` is known.
    pub(super) digits: Digits,
    /// Its numbers where one of them is long.
    pub(super) long: Option<[f64; 3]>,
    pub(super) dim: u8,
    /// The bytes of its label, where that is short and may be one of the reference as it stands.
    pub(super) label: Option<u128>,
    /// The place of its id.
    id: (u32, u32),
    /// Its bytes.
    size: u32,
}

impl Found {
    /// Behind the node that begins at `at`.
    #[inline(always)]
    pub(super) fn end(&self, at: usize) -> usize {
        at + self.size as usize
    }

    /// The same, its places those of the text.
    #[inline(always)]
    pub(super) fn node<S: Simd>(&self, simd: S, at: usize) -> TemplateNode {
        let Self { dim, id: (start, close), .. } = *self;
        let xyz = self.long.unwrap_or_else(|| self.digits.convert(simd).0);
        TemplateNode { id: at + start as usize..at + close as usize, xyz, dim, end: self.end(at) }
    }
}

/// The node at the start of `bytes[at..]`, which begins with `[`, with so many spaces between its id and its numbers.
///
/// Where the next node begins depends on one look for two brackets and on nothing else, so that a processor reads it while
/// this one is not done.
#[inline(always)]
pub(super) fn node<S: Simd>(simd: S, bytes: &[u8], at: usize, spaces: u32) -> Option<Found> {
    let mut last = None;
    let window = Window::look(simd, bytes.get(at..)?, &mut last)?;
    let end = (window.brackets & window.brackets >> 1).trailing_zeros();
    let close = (window.quotes & !3).trailing_zeros();
    if window.quotes & 2 == 0 || close > LONGEST_ID || window.odd & below(close) & !3 != 0 {
        return None;
    }
    let open = close + 2 + spaces;
    let space = u64::from(spaces) << (close + 2);
    if window.commas >> (close + 1) & 1 == 0
        || window.spaces & space != space
        || window.byte(open) != b'['
        || !(open..64).contains(&end)
    {
        return None;
    }
    let numbers = window.numbers(open + 1, end, window.commas, window.spaces)?;
    found(&window, numbers, (2, close), end + 2)
}

/// The node on the line at the start of `bytes[at..]`, with so many numbers, and one space before each. The words of its id
/// begin with letters, and are no numbers.
#[inline(always)]
pub(super) fn line<S: Simd>(simd: S, bytes: &[u8], at: usize, dim: u8) -> Option<Found> {
    let mut last = None;
    let window = Window::look(simd, bytes.get(at..)?, &mut last)?;
    let end = window.newlines.trailing_zeros();
    let spaces = window.spaces & below(end % SIZE as u32);
    // All but the last of those before numbers.
    let others = if dim == 3 { without_last(without_last(spaces)) } else { without_last(spaces) };
    if others == 0 || end == SIZE as u32 {
        return None;
    }
    let close = last_of(others);
    let numbers = window.numbers(close + 1, end, window.spaces, 0)?;
    let inside = below(close);
    let plain = window.letters | window.digits | window.points | window.underscores | window.signs | window.spaces;
    let words = window.spaces << 1 | 1;
    let faults = !plain | words & !(window.letters & !window.infinite);
    if faults & inside != 0 || close == 0 || numbers.0.count_ones() != u32::from(dim) {
        return None;
    }
    found(&window, numbers, (0, close), end + 1)
}

/// The highest of the bits, of which there are some.
#[inline(always)]
fn last_of(bits: u64) -> u32 {
    bits.leading_zeros() ^ 63
}

/// Without the highest of the bits.
#[inline(always)]
fn without_last(bits: u64) -> u64 {
    bits & !(1 << 63 >> (bits.leading_zeros() % 64))
}

/// What a node is, where its numbers begin and end, and its id.
#[inline(always)]
fn found(window: &Window<'_>, (first, behind): (u64, u64), id: (u32, u32), size: u32) -> Option<Found> {
    let dim = first.count_ones();
    let name = Name::of(window, id);
    let numbers = [first, next(first), next(next(first))];
    let ends = [behind, next(behind), next(next(behind))];
    let (x, x_bytes) = number(window, numbers[0], ends[0]);
    let (y, y_bytes) = if dim > 1 { number(window, numbers[1], ends[1]) } else { (Number::NONE, 0) };
    let (z, z_bytes) = if dim > 2 { number(window, numbers[2], ends[2]) } else { (Number::NONE, 0) };
    if dim > 3 {
        return None;
    }
    let long =
        if (x_bytes | y_bytes | z_bytes) > 7 { Some(long_numbers(window.bytes, numbers, ends, dim)?) } else { None };
    let digits = Digits::new([x, y, z], name.digits, name.count > 0);
    Some(Found { digits, long, dim: dim as u8, label: name.label(window), id, size })
}

/// Without the lowest bit.
#[inline(always)]
fn next(bits: u64) -> u64 {
    bits & bits.wrapping_sub(1)
}

/// The last bytes of a text, and zeros behind them.
#[cold]
fn padded(rest: &[u8]) -> [u8; READ] {
    let mut bytes = [0; READ];
    bytes[..rest.len()].copy_from_slice(rest);
    bytes
}

/// The number between the lowest bits of two, of which is known that there is one, and its bytes: its digits and its point, or
/// the byte behind it where it has none, less one; more than 7 when it is too long for a word.
#[inline(always)]
fn number(window: &Window<'_>, first: u64, behind: u64) -> (Number, u32) {
    let first = first.trailing_zeros() % SIZE as u32;
    let length = behind.trailing_zeros().wrapping_sub(first);
    let whole = (!window.digits >> first).trailing_zeros();
    let decimals = length.wrapping_sub(whole);
    let bytes = length.wrapping_sub(u32::from(decimals != 0));
    let word = window.eight(first) << (56_u32.wrapping_sub(8 * bytes) % 64);
    (Number::new(word, decimals, window.signs << 1 >> first & 1 != 0), bytes)
}

/// The same numbers where one is long, up to fifteen digits each: exact, as the digits and the power of ten are.
#[cold]
fn long_numbers(bytes: &[u8; READ], numbers: [u64; 3], ends: [u64; 3], dim: u32) -> Option<[f64; 3]> {
    let mut xyz = [0.0; 3];
    for ((x, number), end) in xyz.iter_mut().zip(numbers).zip(ends).take(dim as usize) {
        let (first, end) = (number.trailing_zeros() as usize, end.trailing_zeros() as usize);
        let number = &bytes[first..end];
        let decimals = number.iter().rev().position(|&byte| byte == b'.');
        if number.len() - usize::from(decimals.is_some()) > 15 {
            return None;
        }
        let digits = number.iter().filter(|&&byte| byte != b'.');
        let mantissa = digits.fold(0, |mantissa, digit| 10 * mantissa + u64::from(digit - b'0'));
        let magnitude = mantissa as f64 / POWERS[decimals.unwrap_or(0)];
        *x = if bytes[first - 1] == b'-' { -magnitude } else { magnitude };
    }
    Some(xyz)
}

/// The bytes of a word that belong to a label of so many.
const OF_LABEL: [u128; SHORT + 1] = {
    let mut masks = [0; SHORT + 1];
    let mut length = 1;
    while length <= SHORT {
        masks[length] = u128::MAX >> (128 - 8 * length);
        length += 1;
    }
    masks
};

/// The parts of an id: a label, then at most seven digits behind a mark or none.
struct Name {
    /// The digits of its suffix, as [`Digits`] takes them.
    digits: u64,
    /// How many they are.
    count: u32,
    /// Where the id and its digits begin.
    begin: u32,
    start: u32,
}

impl Name {
    #[inline(always)]
    fn of(window: &Window<'_>, (begin, close): (u32, u32)) -> Self {
        let count = (!(window.digits << (SIZE as u32 - close))).leading_zeros().min(close - begin);
        let start = close - count;
        let digits = window.eight(start) << (56_u32.wrapping_sub(8 * count) % 64);
        Self { digits, count, begin, start }
    }

    /// The label where it is of at most [`SHORT`] bytes.
    #[inline(always)]
    fn label(&self, window: &Window<'_>) -> Option<u128> {
        let marked = self.count > 0;
        if marked {
            let mark = matches!(window.byte(self.start - 1), b'.' | b'_' | b'-' | b'#' | b' ');
            if self.count > 7 || self.start < self.begin + 2 || !mark {
                return None;
            }
        }
        let label = self.start - self.begin - u32::from(marked);
        let word = u128::from_le_bytes(*window.bytes[self.begin as usize..].first_chunk()?);
        Some(word & OF_LABEL.get(label as usize).filter(|mask| **mask != 0)?)
    }
}

/// The same label, folded and spaced, where that takes no more than smaller letters and other marks: sixteen bytes at once, a
/// high bit for each that is meant.
pub(super) fn folded(label: u128) -> Option<u128> {
    const fn each(byte: u8) -> u128 {
        u128::from_le_bytes([byte; SHORT])
    }
    const HIGH: u128 = each(0x80);
    // of bytes below 0x80
    let are = |word: u128, byte: u8| !((word ^ each(byte)) + each(0x7f)) & HIGH;
    if label & HIGH != 0 {
        return None;
    }
    let upper = (label + each(0x80 - b'A')) & !(label + each(0x7f - b'Z')) & HIGH;
    let marks = are(label, b'_') | are(label, b'-');
    // a high bit becomes that of small letters, which is a space where the rest of the byte is taken away
    let word = label & !(marks - (marks >> 7)) | (upper | marks) >> 2;
    let spaces = are(word, b' ');
    let ends = are(word, 0);
    let faults = spaces << 8 & (spaces | ends) | spaces & (0x80 | 0x80 << 120);
    (label != 0 && faults == 0).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Suffix;
    use crate::labels::normalize_id;
    use crate::testing::{NUMBERS, Random};
    use crate::wide::{Vectored, vectored};

    struct Read<'a>(&'a [u8], u32);

    impl Vectored for Read<'_> {
        type Out = Option<(TemplateNode, Option<(u128, Suffix)>)>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Out {
            let found = node(simd, self.0, 0, self.1)?;
            Some((found.node(simd, 0), found.label.map(|label| (label, found.digits.convert(simd).1))))
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
            "a.1234567",
            "a.12345678",
            "a]]b.1",
            ".1",
            "",
        ];
        let numbers: Vec<&str> = NUMBERS.split(' ').collect();
        let ends = ["]]", "]]", "]]", "]", "],", "] ]", ""];
        let faults = ["\"", "\\", "\n", ",", "]", "[", " ", "-", ".", "7", "é"];
        let mut state = Random(3);
        let mut random = |below: usize| state.below(below as u64) as usize;
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
            let Some((fast, id)) = vectored(Read(text.as_bytes(), u32::from(text.contains("\", [")))) else {
                let brackets = |node: &TemplateNode| text[node.id.clone()].contains("]]");
                assert!(slow.is_none_or(|node| node.end > 40 || brackets(&node)), "{text}");
                continue;
            };
            let slow = slow.unwrap_or_else(|| panic!("{text}"));
            assert_eq!((&fast.id, fast.dim, fast.end), (&slow.id, slow.dim, slow.end), "{text}");
            assert_eq!(fast.xyz.map(f64::to_bits), slow.xyz.map(f64::to_bits), "{text}");
            good[0] += 1;
            let Some((label, suffix)) = id else { continue };
            // Where the label is in normal form, so is what was cut off it.
            let as_written: Vec<u8> = label.to_le_bytes().into_iter().take_while(|&byte| byte != 0).collect();
            let mut normal = String::new();
            let wanted = normalize_id(&text[fast.id], &mut normal);
            if normal.as_bytes() == as_written {
                assert_eq!(suffix, wanted, "{text}");
                good[1] += 1;
            }
            if let Some(folded) = folded(label) {
                let label: Vec<u8> = folded.to_le_bytes().into_iter().take_while(|&byte| byte != 0).collect();
                assert_eq!((normal.as_bytes(), wanted), (&*label, suffix), "{text}");
                good[2] += 1;
            }
        }
        assert!(good.iter().all(|count| *count > 5_000), "{good:?}");
    }
}
