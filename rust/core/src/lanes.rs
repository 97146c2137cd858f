//! Eight numbers at a time, as many as the widest registers hold.

#![expect(clippy::inline_always, reason = "loops over lanes must be compiled for wide registers, see `wide`")]

use crate::assign::NONE;
use crate::geometry::{Points, Vec3};
use std::ops::{Deref, DerefMut};

/// How many there are.
pub(crate) const LANES: usize = 8;
pub(crate) type Lanes = [f64; LANES];

/// Numbers of eight bytes of which the first, and every eighth from there, begins a cache line: wide registers take longer over
/// two lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lined<T> {
    values: Vec<T>,
    begin: usize,
    count: usize,
}

impl<T: Copy + Default> Lined<T> {
    /// Makes them so many; what they are is not said.
    #[inline(always)]
    pub(crate) fn resize(&mut self, count: usize) {
        if self.values.len() < count + LANES {
            self.values.resize(count + LANES, T::default());
        }
        self.begin = self.values.as_ptr().align_offset(size_of::<Lanes>()).min(LANES);
        self.count = count;
    }
}

impl<T> Deref for Lined<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.values[self.begin..][..self.count]
    }
}

impl<T> DerefMut for Lined<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.begin..][..self.count]
    }
}

/// A value for each lane; inlined wherever it stands, as `std::array::from_fn` is not.
#[inline(always)]
pub(crate) fn each<T: Copy + Default, const N: usize>(of: impl Fn(usize) -> T) -> [T; N] {
    let mut lanes = [T::default(); N];
    for (k, lane) in lanes.iter_mut().enumerate() {
        *lane = of(k);
    }
    lanes
}

/// As many as there are lanes, `other` beyond the last.
#[inline(always)]
pub(crate) fn filled<T: Copy + Default>(values: &[T], other: T) -> [T; LANES] {
    match values.first_chunk() {
        Some(values) => *values,
        None => each(|k| values.get(k).copied().unwrap_or(other)),
    }
}

/// All bits for each that has a partner, no bits for others.
#[inline(always)]
pub(crate) fn kept(partners: &[u32; LANES]) -> [u64; LANES] {
    each(|k| if partners[k] == NONE { 0 } else { u64::MAX })
}

/// Adds the values whose bits are kept.
#[inline(always)]
pub(crate) fn add_kept(sums: &mut Lanes, values: &Lanes, kept: &[u64; LANES]) {
    *sums = each(|k| sums[k] + f64::from_bits(values[k].to_bits() & kept[k]));
}

/// Points, by coordinate.
#[inline(always)]
pub(crate) fn by_axis(points: &[Vec3; LANES]) -> [Lanes; 3] {
    [each(|k| points[k][0]), each(|k| points[k][1]), each(|k| points[k][2])]
}

/// The partners of some nodes, by coordinate; anything for one that has none.
#[inline(always)]
pub(crate) fn images(points: &Points, partners: &[u32; LANES]) -> [Lanes; 3] {
    let Points { x, y, z } = points;
    let at: [usize; LANES] = each(|k| (partners[k] as usize).min(x.len() - 1));
    [each(|k| x[at[k]]), each(|k| y[at[k]]), each(|k| z[at[k]])]
}

/// From one point to each.
#[inline(always)]
pub(crate) fn edges([x, y, z]: &[Lanes; 3], from: Vec3) -> [Lanes; 3] {
    [each(|k| x[k] - from[0]), each(|k| y[k] - from[1]), each(|k| z[k] - from[2])]
}

/// From each point to another.
#[inline(always)]
pub(crate) fn ways(from: &[Lanes; 3], to: &[Lanes; 3]) -> [Lanes; 3] {
    [each(|k| to[0][k] - from[0][k]), each(|k| to[1][k] - from[1][k]), each(|k| to[2][k] - from[2][k])]
}

/// Squared lengths.
#[inline(always)]
pub(crate) fn squares([x, y, z]: &[Lanes; 3]) -> Lanes {
    each(|k| x[k] * x[k] + y[k] * y[k] + z[k] * z[k])
}
