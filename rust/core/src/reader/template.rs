//! The node as the prompts show it, `["chair.1",[0.4,1.2,0.5]]` or `chair.1 0.4 1.2 0.5`, read in one go; every other way of
//! writing one, and every fault, is left to the general readers.

#![expect(clippy::inline_always, reason = "what is read a dozen times a line must not be called for")]

use std::ops::Range;

/// A node that is written as the template says.
pub(super) struct TemplateNode {
    /// Its id; no escapes in it.
    pub(super) id: Range<usize>,
    pub(super) xyz: [f64; 3],
    pub(super) dim: u8,
    /// Behind its bracket or line.
    pub(super) end: usize,
}

/// Powers of ten up to the most digits that are read here.
pub(super) const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The node at the start of `bytes[at..]`, which begins with `[`.
#[inline]
pub(super) fn node(bytes: &[u8], at: usize) -> Option<TemplateNode> {
    let start = at + 2;
    let length = quoted(bytes.get(at + 1..)?.strip_prefix(b"\"")?)?;
    let mut place = comma(bytes, start + length + 1)?;
    if bytes.get(place) != Some(&b'[') {
        return None;
    }
    place += 1;
    let mut xyz = [0.0; 3];
    let mut dim = 0;
    loop {
        (xyz[dim], place) = number(bytes, place, [b',', b']'])?;
        dim += 1;
        if bytes.get(place) == Some(&b']') {
            break;
        }
        place = comma(bytes, place)?;
        if dim == 3 {
            return None;
        }
    }
    let closed = bytes.get(place + 1) == Some(&b']');
    closed.then_some(TemplateNode { id: start..start + length, xyz, dim: dim as u8, end: place + 2 })
}

/// The time of the frame at `at`, and where its nodes begin: `{"t":0.5,"nodes":`, at most one space behind a mark.
pub(super) fn frame(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let spaced = |at: usize| at + usize::from(bytes.get(at) == Some(&b' '));
    let word = |at: usize, word: &[u8]| bytes.get(at..)?.starts_with(word).then_some(spaced(at + word.len()));
    let (t, end) = number(bytes, word(at, b"{\"t\":")?, [b',', b','])?;
    let nodes = word(comma(bytes, end)?, b"\"nodes\":")?;
    (bytes.get(nodes) == Some(&b'[')).then_some((t, nodes))
}

/// The node on the line at `at`: an id that begins with a letter and is made of `in_id` bytes, then 2 or 3 numbers, one
/// space before each.
#[inline]
pub(super) fn line(bytes: &[u8], at: usize, in_id: &[bool; 256]) -> Option<TemplateNode> {
    // "nan" and "inf" are numbers, if void ones
    if !bytes.get(at)?.is_ascii_alphabetic() || matches!(bytes[at], b'n' | b'N' | b'i' | b'I') {
        return None;
    }
    let length = bytes[at..].iter().position(|&byte| !in_id[usize::from(byte)])?;
    let id = at..at + length;
    let mut place = id.end;
    let mut xyz = [0.0; 3];
    let mut dim = 0;
    while bytes[place] == b' ' {
        (*xyz.get_mut(dim)?, place) = number(bytes, place + 1, [b' ', b'\n'])?;
        dim += 1;
    }
    (dim >= 2 && bytes[place] == b'\n').then_some(TemplateNode { id, xyz, dim: dim as u8, end: place + 1 })
}

/// The time of the frame whose line, `@0.5`, is at `at`, and where the next line begins.
pub(super) fn frame_line(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let (t, end) = number(bytes, at + 1, [b'\n'; 2])?;
    Some((t, end + 1))
}

/// Behind a comma and at most one space.
#[inline]
pub(super) fn comma(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..at + 2)? {
        [b',', b' '] => Some(at + 2),
        [b',', _] => Some(at + 1),
        _ => None,
    }
}

/// One byte in each of the eight of a word.
pub(super) const fn splat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bits of the zero bytes of a word: exact up to the first of them.
#[inline]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(splat(1)) & !word & splat(0x80)
}

/// How many bytes stand before the quote that closes a string without escapes; none where there is no such quote.
#[inline(always)]
fn quoted(rest: &[u8]) -> Option<usize> {
    let (words, _) = rest.as_chunks::<8>();
    for (k, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // of the last, the bytes below a blank
        let ends = zeros(word ^ splat(b'"'))
            | zeros(word ^ splat(b'\\'))
            | word.wrapping_sub(splat(b' ')) & !word & splat(0x80);
        if ends != 0 {
            let length = 8 * k + ends.trailing_zeros() as usize / 8;
            return (rest[length] == b'"').then_some(length);
        }
    }
    let done = 8 * words.len();
    let length = done + rest[done..].iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
    (rest[length] == b'"').then_some(length)
}

/// What [`plain_number`] reads; most numbers fit in one word.
#[inline(always)]
fn number(bytes: &[u8], at: usize, ends: [u8; 2]) -> Option<(f64, usize)> {
    match short_number(bytes, at, ends) {
        None => plain_number(bytes, at, ends),
        short => short,
    }
}

/// A number that ends, with its end, within eight bytes of its first digit.
#[inline(always)]
fn short_number(bytes: &[u8], at: usize, ends: [u8; 2]) -> Option<(f64, usize)> {
    let negative = *bytes.get(at)? == b'-';
    let first = at + usize::from(negative);
    let word = u64::from_le_bytes(*bytes.get(first..)?.first_chunk()?);
    let digits = word ^ splat(b'0');
    // The high bits of the bytes that are no digits: exact up to the first, and beyond a point.
    let mut others = (digits.wrapping_add(splat(0x76)) | digits) & splat(0x80);
    let whole = others.trailing_zeros() / 8;
    let (mut end, mut decimals, mut joined) = (whole, 0, digits);
    if others != 0 && word >> (8 * whole) & 0xff == u64::from(b'.') {
        others &= others - 1;
        end = others.trailing_zeros() / 8;
        decimals = end - whole - 1;
        // the digits before the point and those behind it, side by side
        let before = (1 << (8 * whole)) - 1;
        joined = digits & before | digits >> 8 & !before;
        if decimals == 0 {
            return None;
        }
    }
    let count = whole + decimals;
    let has_end = others != 0 && ends.contains(&((word >> (8 * (end & 7))) as u8));
    if whole == 0 || !has_end || whole > 1 && word as u8 == b'0' {
        return None;
    }
    let magnitude = eight_digits(joined << (64 - 8 * count)) as f64 / POWERS[decimals as usize];
    Some((if negative { -magnitude } else { magnitude }, first + end as usize))
}

/// The number of eight digits, the first in the lowest byte.
#[inline]
pub(super) const fn eight_digits(digits: u64) -> u64 {
    let pairs = digits * 10 + (digits >> 8);
    let mask = 0x0000_00ff_0000_00ff;
    let low = (pairs & mask).wrapping_mul(100 + (1_000_000 << 32));
    let high = (pairs >> 16 & mask).wrapping_mul(1 + (10_000 << 32));
    low.wrapping_add(high) >> 32
}

/// A decimal of at most 15 digits as JSON writes it, without an exponent, up to one of two bytes that may end it; exact, as
/// its digits and its power of ten are.
#[cold]
fn plain_number(bytes: &[u8], at: usize, ends: [u8; 2]) -> Option<(f64, usize)> {
    let negative = *bytes.get(at)? == b'-';
    let first = at + usize::from(negative);
    let mut mantissa = 0_u64;
    let mut place = first;
    let mut point = None;
    let mut last = b'.';
    loop {
        let byte = *bytes.get(place)?;
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa.wrapping_mul(10) + u64::from(digit);
        } else if byte == b'.' && point.is_none() && place > first {
            point = Some(place);
        } else {
            if !ends.contains(&byte) {
                return None;
            }
            break;
        }
        last = byte;
        place += 1;
        if place - first > 16 {
            return None;
        }
    }
    let whole = point.unwrap_or(place) - first;
    if last == b'.' || whole > 1 && bytes[first] == b'0' {
        return None;
    }
    let decimals = point.map_or(0, |point| place - point - 1);
    if whole + decimals > 15 {
        return None;
    }
    let magnitude = mantissa as f64 / POWERS[decimals];
    Some((if negative { -magnitude } else { magnitude }, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_reads_exactly_what_json_says() {
        for (text, id, xyz, dim) in [
            (r#"["chair.1",[0.4,1.2,0.5]]"#, "chair.1", [0.4, 1.2, 0.5], 3),
            (r#"["a", [-0.1, 123456789012345]]"#, "a", [-0.1, 123_456_789_012_345.0, 0.0], 2),
            (r#"["",[0,0.00000000000001]]"#, "", [0.0, 1e-14, 0.0], 2),
            (r#"["é",[1]]"#, "é", [1.0, 0.0, 0.0], 1),
        ] {
            let node = node(text.as_bytes(), 0).unwrap();
            assert_eq!((&text[node.id], node.xyz, node.dim, node.end), (id, xyz, dim, text.len()), "{text}");
        }
        for text in [
            r#"["a",[1,2]"#,
            r#"["a",[1,2],3]"#,
            r#"["a",[1,2,3,4]]"#,
            r#"["a",[01,2]]"#,
            r#"["a",[1.,2]]"#,
            r#"["a",[.5,2]]"#,
            r#"["a",[1e3,2]]"#,
            r#"["a",[1,]]"#,
            r#"["a",[]]"#,
            r#"["a\"",[1,2]]"#,
            "['a',[1,2]]",
            r#"["a"  ,[1,2]]"#,
            r#"["a",[1m,2]]"#,
            r#"["a",[1.2.3,2]]"#,
            r#"["a",[-,2]]"#,
            r#"["a",[1234567890123456,2]]"#,
            r#"["a",[1"#,
            r#"["a"#,
            "[",
        ] {
            assert!(node(text.as_bytes(), 0).is_none(), "{text}");
        }
    }

    #[test]
    fn the_template_frame_is_read_up_to_its_nodes() {
        for (text, t, rest) in [
            (r#"{"t":0.5,"nodes":[]}"#, 0.5, "[]}"),
            (r#"{"t": -12, "nodes": [["#, -12.0, "[["),
            (r#"{"t": 0.123456789, "nodes":[1"#, 0.123_456_789, "[1"),
        ] {
            let (time, nodes) = frame(text.as_bytes(), 0).unwrap();
            assert_eq!((time, &text[nodes..]), (t, rest), "{text}");
        }
        for text in [
            "",
            "{",
            r#"{"t":"#,
            r#"{"t":1"#,
            r#"{"t":1,"#,
            r#"{"t":1,"nodes""#,
            r#"{"t":1,"nodes":"#,
            r#"{"t":1,"nodes":("#,
            r#"{"t":1,"edges":["#,
            r#"{"t":1,  "nodes":["#,
            r#"{"t":1]"nodes":["#,
            r#"{"t":1.,"nodes":["#,
            r#"{"t":1s,"nodes":["#,
            r#"{"t":null,"nodes":["#,
            r#"{"nodes":["#,
            r#"{ "t":1,"nodes":["#,
        ] {
            assert_eq!(frame(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn a_short_number_is_what_a_plain_one_is() {
        let ends = [b',', b']'];
        let bytes = b"0123456789.-,] e\"\x2f\x3a\xb0\xff";
        let mut state = 1_u64;
        let mut read = 0;
        for _ in 0..2_000_000 {
            let text: [u8; 12] = std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let pick = (state >> 33) as usize % 40;
                *bytes.get(pick).unwrap_or(&(b'0' + (pick % 10) as u8))
            });
            if let Some((value, end)) = short_number(&text, 0, ends) {
                let plain = plain_number(&text, 0, ends);
                assert_eq!(plain.map(|(value, end)| (value.to_bits(), end)), Some((value.to_bits(), end)), "{text:?}");
                read += 1;
            } else if let Some((_, end)) = plain_number(&text, 0, ends) {
                assert!(end + usize::from(text[0] != b'-') > 8, "{text:?}");
            }
        }
        assert!(read > 100_000);
    }

    #[test]
    fn a_closing_quote_is_found_wherever_it_stands() {
        for length in 0..40 {
            for tail in 0..20 {
                let text = format!("{}\"{}", "é".repeat(length / 2) + &"x".repeat(length % 2), "\"\\\n,".repeat(tail));
                assert_eq!(quoted(text.as_bytes()), Some(length), "{text:?}");
                for fault in ["\\", "\n", "\x1f"] {
                    assert_eq!(quoted(format!("{}{fault}{text}", "y".repeat(length)).as_bytes()), None);
                }
                assert_eq!(quoted(&text.as_bytes()[..length]), None);
            }
        }
    }

    #[test]
    fn the_template_line_reads_exactly_what_lines_say() {
        let in_id = std::array::from_fn(|byte| !matches!(byte as u8, b' ' | b'\n' | b'#'));
        for (text, id, xyz, dim) in
            [("chair.1 0.4 -1.2 0.5\n", "chair.1", [0.4, -1.2, 0.5], 3), ("a 0 1\n", "a", [0.0, 1.0, 0.0], 2)]
        {
            let node = line(text.as_bytes(), 0, &in_id).unwrap();
            assert_eq!((&text[node.id], node.xyz, node.dim, node.end), (id, xyz, dim, text.len()), "{text}");
        }
        for text in [
            "",
            "\n",
            "a",
            "a\n",
            "a 1\n",
            "a 1 2",
            "a 1 2 3 4\n",
            "a  1 2\n",
            "a 1 2 \n",
            "a b 1 2\n",
            "a - b 1\n",
            "a 1e1 2\n",
            "a 1. 2\n",
            "a 1 2 # b\n",
            "nan 1 2\n",
            "inf 1 2\n",
            "1 2 3\n",
            "@ 1 2\n",
            "a 1m 2\n",
            "a# 1 2\n",
        ] {
            assert!(line(text.as_bytes(), 0, &in_id).is_none(), "{text}");
        }
    }
}
