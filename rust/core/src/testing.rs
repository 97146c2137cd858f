//! What the tests of several modules share.

/// Numbers below a bound, the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(crate) fn list(&mut self, length: usize, bound: u64) -> Vec<i64> {
        (0..length).map(|_| self.below(bound).cast_signed()).collect()
    }
}

/// Numbers as replies write them: the first [`PLAIN`] are numbers of JSON without an exponent.
pub(crate) const NUMBERS: &str = "0 1.25 -3 12.5 0.123456 1234567.8 -0.0 1234567 -12345678 0.1234567 0.12345678901 \
    01 00.5 1. .5 1e3 1.2.3 --1 - +1 2m ";
pub(crate) const PLAIN: usize = 11;
