//! Numbers as text: exact conversion of decimals to float64.

/// Powers of ten that float64 holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A number found in text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number {
    /// The nearest float64; infinite when too large.
    pub(crate) value: f64,
    /// Where the text of the number ends.
    pub(crate) end: usize,
    /// Whether JSON would write it so: no `+`, no bare point, no leading zero.
    pub(crate) json: bool,
}

/// The number that starts at `at`: a sign, digits with or without a point, an exponent; none without a digit.
#[inline]
pub(crate) fn scan(bytes: &[u8], at: usize) -> Option<Number> {
    let mut end = at;
    let (mut negative, mut json) = (false, true);
    match bytes.get(end) {
        Some(b'-') => {
            negative = true;
            end += 1;
        }
        Some(b'+') => {
            json = false;
            end += 1;
        }
        _ => {}
    }
    let unsigned = end;
    let mut mantissa = 0_u64;
    while let Some(digit) = digit_at(bytes, end) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        end += 1;
    }
    let whole = end - unsigned;
    json &= whole == 1 || whole > 1 && bytes[unsigned] != b'0';
    let mut digits = whole;
    let mut exponent = 0_i64;
    if bytes.get(end) == Some(&b'.') && (whole > 0 || digit_at(bytes, end + 1).is_some()) {
        end += 1;
        let fraction = end;
        while let Some(digit) = digit_at(bytes, end) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
            end += 1;
        }
        digits += end - fraction;
        exponent = 0_i64.saturating_sub_unsigned((end - fraction) as u64);
        json &= end > fraction;
    }
    if digits == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = end + 1;
        let power = signed + usize::from(matches!(bytes.get(signed), Some(b'+' | b'-')));
        if digit_at(bytes, power).is_some() {
            let mut written = 0_i64;
            end = power;
            while let Some(digit) = digit_at(bytes, end) {
                written = written.saturating_mul(10).saturating_add_unsigned(digit);
                end += 1;
            }
            let written = if bytes[signed] == b'-' { -written } else { written };
            exponent = exponent.saturating_add(written);
        }
    }
    let value = match exact(mantissa, digits, exponent) {
        Some(magnitude) if negative => -magnitude,
        Some(magnitude) => magnitude,
        None => std::str::from_utf8(&bytes[at..end]).ok()?.parse().ok()?,
    };
    Some(Number { value, end, json })
}

/// `mantissa · 10^exponent` where one correctly rounded operation on exact operands gives it.
fn exact(mantissa: u64, digits: usize, exponent: i64) -> Option<f64> {
    if digits > 19 || mantissa > 1 << 53 || !(-22..=22).contains(&exponent) {
        return None;
    }
    let power = EXACT_POWERS[exponent.unsigned_abs() as usize];
    Some(if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power })
}

#[inline]
fn digit_at(bytes: &[u8], at: usize) -> Option<u64> {
    let digit = bytes.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_the_nearest_float64() {
        for text in [
            "0",
            "1",
            "-1",
            "0.1",
            "-0.30000000000000004",
            "1e9",
            "1E-7",
            "123456789012345678",
            "9007199254740993",
            "12345678901234567890",
            "0.000000000000000000000001",
            "1e22",
            "1e23",
            "1e-22",
            "1e-23",
            "2.2250738585072011e-308",
            "5e-324",
            "1.7976931348623157e308",
            "8.98846567431158e307",
            "3.14159265358979323846264338327950288",
        ] {
            let number = scan(text.as_bytes(), 0).unwrap();
            assert_eq!(number.value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
            assert!(number.json && number.end == text.len(), "{text}");
        }
    }

    #[test]
    fn forms_beside_json_are_read_and_told() {
        for (text, value) in
            [("+1", 1.0), (".5", 0.5), ("1.", 1.0), ("-.5", -0.5), ("007", 7.0), ("00", 0.0), ("1.e2", 100.0)]
        {
            assert_eq!(scan(text.as_bytes(), 0), Some(Number { value, end: text.len(), json: false }), "{text}");
        }
    }

    #[test]
    fn a_number_ends_where_it_must() {
        for (text, end) in [("1.2.3", 3), ("1e", 1), ("1e+", 1), ("2em", 1), ("3-4", 1), ("5 6", 1), ("1_000", 1)] {
            assert_eq!(scan(text.as_bytes(), 0).unwrap().end, end, "{text}");
        }
        for text in ["", "-", "+", ".", "-.", "e5", "x"] {
            assert_eq!(scan(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(scan(b"1e99999999999999999999", 0).unwrap().value, f64::INFINITY);
        assert_eq!(scan(b"-1e-99999999999999999999", 0).unwrap().value, 0.0);
    }
}
