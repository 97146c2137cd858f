//! The node as the prompts show it, `["chair.1",[0.4,1.2,0.5]]` or `chair.1 0.4 1.2 0.5`, read in one go; every other way of
//! writing one, and every fault, is left to the general readers.

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
const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The node at the start of `bytes[at..]`, which begins with `[`.
#[inline]
pub(super) fn node(bytes: &[u8], at: usize) -> Option<TemplateNode> {
    let rest = bytes.get(at + 1..)?.strip_prefix(b"\"")?;
    let length = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
    let start = at + 2;
    if rest[length] != b'"' {
        return None;
    }
    let mut place = comma(bytes, start + length + 1)?;
    if bytes.get(place) != Some(&b'[') {
        return None;
    }
    place += 1;
    let mut xyz = [0.0; 3];
    let mut dim = 0;
    loop {
        (xyz[dim], place) = plain_number(bytes, place, [b',', b']'])?;
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
        (*xyz.get_mut(dim)?, place) = plain_number(bytes, place + 1, [b' ', b'\n'])?;
        dim += 1;
    }
    (dim >= 2 && bytes[place] == b'\n').then_some(TemplateNode { id, xyz, dim: dim as u8, end: place + 1 })
}

/// Behind a comma and at most one space.
#[inline]
fn comma(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..at + 2)? {
        [b',', b' '] => Some(at + 2),
        [b',', _] => Some(at + 1),
        _ => None,
    }
}

/// A decimal of at most 15 digits as JSON writes it, without an exponent, up to one of two bytes that may end it; exact, as
/// its digits and its power of ten are.
#[inline]
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
