//! Kernels: how a difference becomes a share of one.

#![expect(clippy::inline_always, reason = "the kernels of pairs run in wide loops, see `wide`")]

use crate::answer::number::MRA_THRESHOLDS;
use crate::lanes::{LANES, Lanes, each, filled};
use crate::spec::{EdgeKernel, NodeKernel};
use fearless_simd::f64x8;
use fearless_simd::prelude::*;
use std::ops::{Add, Mul, Sub};

const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
/// The exponent of 1 as a float64 has it.
const ONE: u64 = 1023 << 52;
/// Below it e^x counts as zero.
const LEAST: f64 = -700.0;

/// e^x for x <= 0, without its power of two, and a number whose low bits are those of that power's exponent. In plain
/// arithmetic, so that every processor gives the same bits, for one number or several; relative error below 4e-16.
#[inline(always)]
fn series<T>(x: T, c: impl Fn(f64) -> T) -> (T, T)
where
    T: Copy + Add<Output = T> + Sub<Output = T> + Mul<Output = T>,
{
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Of degree 11, within 3.2e-18 of e^x between -ln 2 / 2 and ln 2 / 2.
    const C: [f64; 12] = [
        1.0,
        1.0,
        0.500_000_000_000_001_9,
        0.166_666_666_666_666_8,
        0.041_666_666_666_487_95,
        0.008_333_333_333_319_589,
        0.001_388_888_895_235_286_3,
        0.000_198_412_698_900_764_03,
        2.480_148_554_156_131e-5,
        2.755_724_088_722_987e-6,
        2.763_265_472_252_779e-7,
        2.511_004_920_481_865_8e-8,
    ];
    let shifted = x * c(std::f64::consts::LOG2_E) + c(MAGIC);
    let n = shifted - c(MAGIC);
    let r = (x - n * c(LN2_HIGH)) - n * c(LN2_LOW);
    // In pairs of terms, and pairs of those: a step waits for few before it. Written out, for a closure is not inlined for sure.
    let (square, fourth) = (r * r, (r * r) * (r * r));
    let low = (c(C[0]) + c(C[1]) * r) + (c(C[2]) + c(C[3]) * r) * square;
    let middle = (c(C[4]) + c(C[5]) * r) + (c(C[6]) + c(C[7]) * r) * square;
    let high = (c(C[8]) + c(C[9]) * r) + (c(C[10]) + c(C[11]) * r) * square;
    (low + (middle + high * fourth) * fourth, shifted)
}

#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let (series, shifted) = series(x, |c| c);
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(ONE));
    if x < LEAST { 0.0 } else { series * power }
}

#[inline(always)]
pub(crate) fn exps<S: Simd>(simd: S, x: Lanes) -> Lanes {
    let x = f64x8::simd_from(simd, x);
    let (series, shifted) = series(
        x,
        #[inline(always)]
        |c| f64x8::splat(simd, c),
    );
    let power = f64x8::from_bits((shifted.to_bits() << 52) + ONE);
    x.simd_lt(LEAST).select(f64x8::splat(simd, 0.0), series * power).into()
}

/// A node's kernel of r = distance / D.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeTerm {
    pub(crate) kernel: NodeKernel,
    pub(crate) s: f64,
}

impl NodeTerm {
    pub(crate) fn of(self, r: f64) -> f64 {
        match self.kernel {
            NodeKernel::Exp => exp(-r / self.s),
            NodeKernel::Linear => (1.0 - r).max(0.0),
        }
    }

    #[inline(always)]
    pub(crate) fn several<S: Simd>(self, simd: S, r: &Lanes) -> Lanes {
        match self.kernel {
            NodeKernel::Exp => exps(simd, each(|k| -r[k] / self.s)),
            NodeKernel::Linear => each(|k| (1.0 - r[k]).max(0.0)),
        }
    }

    /// Turns each r into its kernel.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(self, simd: S, values: &mut [f64]) {
        let (chunks, rest) = values.as_chunks_mut::<LANES>();
        for chunk in chunks {
            *chunk = self.several(simd, chunk);
        }
        if !rest.is_empty() {
            let last = self.several(simd, &filled(rest, 0.0));
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }
}

/// A pair's kernel of the reference's distance `d` and the reply's `image`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgeTerm {
    pub(crate) kernel: EdgeKernel,
    /// 1/D and 1/(s·D), as far as they are finite.
    pub(super) inverse: f64,
    pub(super) rate: f64,
}

impl EdgeTerm {
    pub(crate) fn new(kernel: EdgeKernel, s: f64, scale: f64) -> Self {
        Self { kernel, inverse: (1.0 / scale).min(f64::MAX), rate: (1.0 / (s * scale)).min(f64::MAX) }
    }

    pub(crate) fn of(self, d: f64, image: f64) -> f64 {
        match self.kernel {
            EdgeKernel::Exp => exp(-(d - image).abs() * self.rate),
            EdgeKernel::Linear => self.linear(d, image),
            EdgeKernel::Ratio => ratio(d, image),
            EdgeKernel::Relative => relative(d, image),
            EdgeKernel::Mra => mra(d, image),
        }
    }

    #[inline(always)]
    pub(crate) fn several<S: Simd>(self, simd: S, d: &Lanes, image: &Lanes) -> Lanes {
        match self.kernel {
            EdgeKernel::Exp => exps(simd, each(|k| -(d[k] - image[k]).abs() * self.rate)),
            EdgeKernel::Linear => each(|k| self.linear(d[k], image[k])),
            EdgeKernel::Ratio => each(|k| ratio(d[k], image[k])),
            EdgeKernel::Relative => each(|k| relative(d[k], image[k])),
            EdgeKernel::Mra => each(|k| mra(d[k], image[k])),
        }
    }

    #[inline(always)]
    fn linear(self, d: f64, image: f64) -> f64 {
        (1.0 - (d - image).abs() * self.inverse).max(0.0)
    }
}

#[inline(always)]
fn ratio(d: f64, image: f64) -> f64 {
    let ratio = d.min(image) / d.max(image);
    if d == image { 1.0 } else { ratio }
}

#[inline(always)]
fn relative(d: f64, image: f64) -> f64 {
    let near = (1.0 - (d - image).abs() / d).max(0.0);
    if d == 0.0 { f64::from(u8::from(image <= 1e-9)) } else { near }
}

#[inline(always)]
fn mra(d: f64, image: f64) -> f64 {
    let gap = (d - image).abs() / d;
    let passed = MRA_THRESHOLDS.iter().filter(|&&c| gap <= c).count() as f64 / 10.0;
    if d == 0.0 { f64::from(u8::from(image <= 1e-9)) } else { passed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wide::{Vectored, vectored};

    struct Exps(Lanes);

    impl Vectored for Exps {
        type Out = Lanes;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Lanes {
            exps(simd, self.0)
        }
    }

    #[test]
    fn several_exps_are_those_of_each() {
        for i in 0..20_000 {
            let x: Lanes = each(|k| -f64::from(i) * 0.037 - k as f64 * 0.123);
            let alone: [u64; LANES] = each(|k| exp(x[k]).to_bits());
            assert_eq!(vectored(Exps(x)).map(f64::to_bits), alone);
        }
        let x = [0.0, -0.0, -1e300, f64::NEG_INFINITY, -700.0, -700.1, -1e-300, -745.0];
        assert_eq!(vectored(Exps(x)), x.map(exp));
    }

    #[test]
    fn exp_is_that_of_the_system() {
        for i in 0..200_000 {
            let x = -f64::from(i) * 0.0035;
            let (ours, theirs) = (exp(x), x.exp());
            assert!((ours - theirs).abs() <= 8e-16 * theirs, "{x}: {ours} {theirs}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e300), 0.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    }
}
