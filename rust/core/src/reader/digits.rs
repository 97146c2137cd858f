//! The numbers of a node as digits, which are converted for several nodes together: the steps from digits to a number wait for
//! each other, those of one node for none of another.

#![expect(clippy::inline_always, reason = "what uses registers must be inlined, see `wide`")]

use super::template::POWERS;
use crate::graph::{ReplyNode, Suffix};
use fearless_simd::prelude::*;
use fearless_simd::{f64x4, u8x32, u16x16, u32x8, u64x4};

/// At most so many nodes wait for their numbers.
const TOGETHER: usize = 16;

/// A number as it stands in a text: at most seven digits, and at most one point.
#[derive(Clone, Copy)]
pub(super) struct Number {
    /// Its bytes as the last of a word, the first of which are 0: digits, with a point between or behind them.
    word: u64,
    /// What the digits are divided by.
    divisor: f64,
}

/// Powers of ten by the bytes from the point on, then the same less than 0.
const DIVISORS: [f64; 32] = {
    let mut divisors = [1.0; 32];
    let mut bytes = 0;
    while bytes < 16 {
        divisors[bytes] = POWERS[if bytes > 0 { bytes - 1 } else { 0 }];
        divisors[16 + bytes] = -divisors[bytes];
        bytes += 1;
    }
    divisors
};

impl Number {
    /// 0.
    pub(super) const NONE: Self = Self { word: 0, divisor: 1.0 };

    /// Of which so many bytes stand from the point on, less than 0 or not.
    #[inline(always)]
    pub(super) fn new(word: u64, decimals: u32, negative: bool) -> Self {
        Self { word, divisor: DIVISORS[(decimals % 16 + 16 * u32::from(negative)) as usize] }
    }
}

/// The numbers of a node and its suffix.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Digits {
    words: [u64; 4],
    divisors: [f64; 3],
    marked: bool,
}

impl Digits {
    /// `suffix`: a word as that of a number, of a node whose id has one.
    #[inline(always)]
    pub(super) fn new([x, y, z]: [Number; 3], suffix: u64, marked: bool) -> Self {
        Self { words: [x.word, y.word, z.word, suffix], divisors: [x.divisor, y.divisor, z.divisor], marked }
    }

    #[inline(always)]
    pub(super) fn convert<S: Simd>(&self, simd: S) -> ([f64; 3], Suffix) {
        let integers = eight_digits_each(simd, u64x4::simd_from(simd, self.words));
        let whole = f64x4::simd_from(simd, 2_f64.powi(52));
        let magnitudes = (integers | whole.bitcast::<u64x4<S>>()).bitcast::<f64x4<S>>() - whole;
        let [x, y, z] = self.divisors;
        let xyz = magnitudes / f64x4::simd_from(simd, [x, y, z, 1.0]);
        let suffix = if self.marked { Suffix::number(integers[3].into()) } else { Suffix::NONE };
        ([xyz[0], xyz[1], xyz[2]], suffix)
    }
}

/// Of the last nodes that were read.
#[derive(Debug, Default)]
pub(super) struct Pending {
    digits: [Digits; TOGETHER],
    count: usize,
}

impl Pending {
    /// Forgets them.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Of one more node, behind `nodes`.
    #[inline(always)]
    pub(super) fn push<S: Simd>(&mut self, simd: S, digits: &Digits, nodes: &mut [ReplyNode]) {
        if self.count == TOGETHER {
            self.convert(simd, nodes);
        }
        self.digits[self.count] = *digits;
        self.count += 1;
    }

    /// Writes them to the last of `nodes`.
    #[inline(always)]
    pub(super) fn convert<S: Simd>(&mut self, simd: S, nodes: &mut [ReplyNode]) {
        let first = nodes.len() - self.count;
        for (node, digits) in nodes[first..].iter_mut().zip(&self.digits) {
            let (xyz, suffix) = digits.convert(simd);
            // adding 0 makes -0 the same place as 0
            node.xyz = xyz.map(|x| x + 0.0);
            node.suffix = suffix;
        }
        self.count = 0;
    }
}

/// The integers of four times at most seven digits: the last bytes of each word are digits with a point between or behind them,
/// the first are 0.
#[inline(always)]
fn eight_digits_each<S: Simd>(simd: S, words: u64x4<S>) -> u64x4<S> {
    let bytes = words.bitcast::<u8x32<S>>();
    let points =
        bytes.simd_eq(b'.').select(u8x32::simd_from(simd, 0xff), u8x32::simd_from(simd, 0)).bitcast::<u64x4<S>>();
    let before = (points - 1) & !points;
    let digits = bytes.saturating_sub(b'0').bitcast::<u64x4<S>>();
    let joined = (digits & before) << 8 | digits & !before;
    // of each pair of lanes, the first as many times as it counts more, and the second
    let pairs = (joined.bitcast::<u16x16<S>>() * (10 << 8 | 1)) >> 8;
    let fours = (pairs.bitcast::<u32x8<S>>() * (100 << 16 | 1)) >> 16;
    let upper = (fours * u32x8::simd_from(simd, [10_000, 0, 10_000, 0, 10_000, 0, 10_000, 0])).bitcast::<u64x4<S>>();
    upper + (fours.bitcast::<u64x4<S>>() >> 32)
}
