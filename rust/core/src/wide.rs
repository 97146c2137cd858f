//! The one place that asks what the processor can do.

#![expect(clippy::inline_always, reason = "what is not inlined into the wide copy is not compiled for wide registers")]

use fearless_simd::{Level, Simd, dispatch};

/// Runs `work`, on x86-64 a copy of it compiled for AVX-512 or AVX2 where the processor has it: the same operations in the same
/// order, so the same bits, more at a time. Every function that `work` calls has to be inlined into it.
#[inline(always)]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        // Left out as `dispatch!` leaves them out, for tests.
        #[cfg(not(all(disable_dispatch_avx512, disable_dispatch_avx2)))]
        let level = Level::new();
        #[cfg(not(disable_dispatch_avx512))]
        if let Some(avx512) = level.as_avx512() {
            return avx512.vectorize(work);
        }
        #[cfg(not(disable_dispatch_avx2))]
        if let Some(avx2) = level.as_avx2() {
            return avx2.vectorize(work);
        }
    }
    work()
}

/// Work that names the registers that it uses.
pub(crate) trait Vectored {
    type Out;
    /// Everything that it calls and that uses `simd` has to be inlined into it.
    fn run<S: Simd>(self, simd: S) -> Self::Out;
}

/// Runs such work with the widest registers that the processor has: the same result with any.
#[inline(always)]
pub(crate) fn vectored<W: Vectored>(work: W) -> W::Out {
    dispatch!(Level::new(), simd => work.run(simd))
}
