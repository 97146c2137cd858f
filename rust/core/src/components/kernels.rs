//! Kernels: how a difference becomes a share of one.

#![expect(clippy::inline_always, reason = "the kernels of pairs run in wide loops, see `wide`")]

use crate::answer::number::MRA_THRESHOLDS;
use crate::lanes::{LANES, each};
use crate::spec::{EdgeKernel, NodeKernel};

/// e^x for x <= 0 in plain arithmetic, so that every processor gives the same bits; relative error below 4e-16.
#[inline(always)]
pub(crate) fn exps<const N: usize>(x: [f64; N]) -> [f64; N] {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
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
    // The low bits of `shifted` are those of the whole number n.
    let shifted: [f64; N] = each(|k| x[k] * std::f64::consts::LOG2_E + MAGIC);
    let r: [f64; N] = each(|k| {
        let n = shifted[k] - MAGIC;
        (x[k] - n * LN2_HIGH) - n * LN2_LOW
    });
    // In pairs of terms, and pairs of those: a step waits for few before it.
    let pair = |first: usize| -> [f64; N] { each(|k| C[first] + C[first + 1] * r[k]) };
    let square: [f64; N] = each(|k| r[k] * r[k]);
    let four = |low: [f64; N], high: [f64; N]| -> [f64; N] { each(|k| low[k] + high[k] * square[k]) };
    let [low, middle, high] = [four(pair(0), pair(2)), four(pair(4), pair(6)), four(pair(8), pair(10))];
    each(|k| {
        let fourth = square[k] * square[k];
        let series = low[k] + (middle[k] + high[k] * fourth) * fourth;
        let power = f64::from_bits((shifted[k].to_bits() << 52).wrapping_add(1023 << 52));
        if x[k] < -700.0 { 0.0 } else { series * power }
    })
}

/// One of [`exps`].
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let [value] = exps([x]);
    value
}

/// A node's kernel of r = distance / D.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeTerm {
    pub(crate) kernel: NodeKernel,
    pub(crate) s: f64,
}

impl NodeTerm {
    #[inline(always)]
    pub(crate) fn of(self, r: f64) -> f64 {
        let [value] = self.several([r]);
        value
    }

    #[inline(always)]
    pub(crate) fn several<const N: usize>(self, r: [f64; N]) -> [f64; N] {
        match self.kernel {
            NodeKernel::Exp => exps(each(|k| -r[k] / self.s)),
            NodeKernel::Linear => each(|k| (1.0 - r[k]).max(0.0)),
        }
    }

    /// Turns each r into its kernel.
    #[inline(always)]
    pub(crate) fn apply(self, values: &mut [f64]) {
        let (chunks, rest) = values.as_chunks_mut::<LANES>();
        for chunk in chunks {
            *chunk = self.several(*chunk);
        }
        for value in rest {
            *value = self.of(*value);
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

    #[inline(always)]
    pub(crate) fn of(self, d: f64, image: f64) -> f64 {
        let [value] = self.several([d], [image]);
        value
    }

    #[inline(always)]
    pub(crate) fn several<const N: usize>(self, d: [f64; N], image: [f64; N]) -> [f64; N] {
        let gap: [f64; N] = each(|k| (d[k] - image[k]).abs());
        match self.kernel {
            EdgeKernel::Exp => exps(each(|k| -gap[k] * self.rate)),
            EdgeKernel::Linear => each(|k| (1.0 - gap[k] * self.inverse).max(0.0)),
            EdgeKernel::Ratio => each(|k| {
                let ratio = d[k].min(image[k]) / d[k].max(image[k]);
                if d[k] == image[k] { 1.0 } else { ratio }
            }),
            EdgeKernel::Relative => each(|k| {
                let near = (1.0 - gap[k] / d[k]).max(0.0);
                if d[k] == 0.0 { f64::from(u8::from(image[k] <= 1e-9)) } else { near }
            }),
            EdgeKernel::Mra => each(|k| {
                let passed = MRA_THRESHOLDS.iter().filter(|&&c| gap[k] / d[k] <= c).count() as f64 / 10.0;
                if d[k] == 0.0 { f64::from(u8::from(image[k] <= 1e-9)) } else { passed }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::exp;

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
