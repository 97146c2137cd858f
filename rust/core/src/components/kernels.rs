//! Kernels: how a difference becomes a share of one.

#![expect(clippy::inline_always, reason = "the kernels of pairs run in wide loops, see `wide`")]

use crate::answer::number::MRA_THRESHOLDS;
use crate::spec::{EdgeKernel, NodeKernel};

/// e^x for x <= 0 in plain arithmetic, so that every processor gives the same bits; relative error below 4e-16. Several at a
/// time, because each step of one waits for the step before.
#[inline(always)]
pub(crate) fn exps<const N: usize>(x: [f64; N]) -> [f64; N] {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // 1/n!, n = 13 .. 0
    const TERMS: [f64; 14] = [
        1.605_904_383_682_161_3e-10,
        2.087_675_698_786_81e-9,
        2.505_210_838_544_172e-8,
        2.755_731_922_398_589e-7,
        2.755_731_922_398_589_3e-6,
        2.480_158_730_158_73e-5,
        1.984_126_984_126_984e-4,
        1.388_888_888_888_889e-3,
        8.333_333_333_333_333e-3,
        4.166_666_666_666_666_4e-2,
        1.666_666_666_666_666_6e-1,
        0.5,
        1.0,
        1.0,
    ];
    // The low bits of `shifted` are those of the whole number n.
    let shifted = x.map(|x| x * std::f64::consts::LOG2_E + MAGIC);
    let mut rest = [0.0; N];
    for lane in 0..N {
        let n = shifted[lane] - MAGIC;
        rest[lane] = (x[lane] - n * LN2_HIGH) - n * LN2_LOW;
    }
    let mut series = [TERMS[0]; N];
    for term in &TERMS[1..] {
        for lane in 0..N {
            series[lane] = series[lane] * rest[lane] + term;
        }
    }
    let mut out = [0.0; N];
    for lane in 0..N {
        let power = f64::from_bits((shifted[lane].to_bits() << 52).wrapping_add(1023 << 52));
        out[lane] = if x[lane] < -700.0 { 0.0 } else { series[lane] * power };
    }
    out
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
    pub(crate) fn of(self, r: f64) -> f64 {
        let mut value = [r];
        self.apply(&mut value);
        value[0]
    }

    /// Turns each r into its kernel.
    #[inline(always)]
    pub(crate) fn apply(self, values: &mut [f64]) {
        match self.kernel {
            NodeKernel::Exp => {
                let (chunks, rest) = values.as_chunks_mut::<8>();
                for chunk in chunks {
                    *chunk = exps(chunk.map(|value| -value / self.s));
                }
                for value in rest {
                    *value = exp(-*value / self.s);
                }
            }
            NodeKernel::Linear => {
                for value in values {
                    *value = (1.0 - *value).max(0.0);
                }
            }
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
        let gap: [f64; N] = std::array::from_fn(|k| (d[k] - image[k]).abs());
        match self.kernel {
            EdgeKernel::Exp => exps(gap.map(|gap| -gap * self.rate)),
            EdgeKernel::Linear => gap.map(|gap| (1.0 - gap * self.inverse).max(0.0)),
            EdgeKernel::Ratio => std::array::from_fn(|k| {
                let ratio = d[k].min(image[k]) / d[k].max(image[k]);
                if d[k] == image[k] { 1.0 } else { ratio }
            }),
            EdgeKernel::Relative => std::array::from_fn(|k| {
                let near = (1.0 - gap[k] / d[k]).max(0.0);
                if d[k] == 0.0 { f64::from(u8::from(image[k] <= 1e-9)) } else { near }
            }),
            EdgeKernel::Mra => std::array::from_fn(|k| {
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
