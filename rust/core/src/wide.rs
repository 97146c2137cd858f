//! The one place that asks what the processor can do.

#![expect(clippy::inline_always, reason = "what is not inlined into the wide copy is not compiled for wide registers")]

#[cfg(target_arch = "x86_64")]
use fearless_simd::{Level, Simd};

/// Runs `work`, on x86-64 a copy of it compiled for AVX2 where the processor has it: the same operations in the same order,
/// so the same bits, more at a time. Every function that `work` calls has to be inlined into it.
#[inline(always)]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = Level::new().as_avx2() {
        return avx2.vectorize(work);
    }
    work()
}
