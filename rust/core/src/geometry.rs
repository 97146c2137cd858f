//! Points, proper motions and their least-squares fit (Kabsch) in 3-D, about an axis and in the plane.

#![expect(clippy::inline_always, reason = "points are handled in wide loops too, see `wide`")]

use crate::lanes::each;

/// A point or vector; z is 0 in 2-D.
pub(crate) type Vec3 = [f64; 3];

#[inline(always)]
pub(crate) fn sub(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(crate) fn add(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

#[inline(always)]
pub(crate) fn times(a: Vec3, s: f64) -> Vec3 {
    [a[0] * s, a[1] * s, a[2] * s]
}

#[inline(always)]
pub(crate) fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline(always)]
pub(crate) fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[inline(always)]
pub(crate) fn norm(a: Vec3) -> f64 {
    dot(a, a).sqrt()
}

#[inline(always)]
pub(crate) fn distance(a: Vec3, b: Vec3) -> f64 {
    norm(sub(a, b))
}

/// `a` without its part along the unit vector `up`.
#[inline(always)]
pub(crate) fn horizontal(a: Vec3, up: Vec3) -> Vec3 {
    sub(a, times(up, dot(a, up)))
}

/// The mean; zero for no points.
pub(crate) fn mean(points: impl ExactSizeIterator<Item = Vec3>) -> Vec3 {
    let count = points.len();
    let sum = points.fold([0.0; 3], add);
    if count == 0 { sum } else { times(sum, 1.0 / count as f64) }
}

/// Rounds to the nearest integer, ties to even, in plain arithmetic (the same bits on every processor).
#[inline(always)]
pub(crate) fn round(x: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    if x.abs() < 2_251_799_813_685_248.0 { (x + MAGIC) - MAGIC } else { x }
}

/// In units of 1e-9, rounded: the grid on which lengths (over D), areas (over D²), volumes (over D³) and sums compare.
#[inline(always)]
pub(crate) fn grid(x: f64) -> f64 {
    round(x * 1e9)
}

/// Points as three arrays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Points {
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) z: Vec<f64>,
}

impl Points {
    pub(crate) fn clear(&mut self) {
        self.x.clear();
        self.y.clear();
        self.z.clear();
    }

    pub(crate) fn push(&mut self, p: Vec3) {
        self.x.push(p[0]);
        self.y.push(p[1]);
        self.z.push(p[2]);
    }

    pub(crate) fn at(&self, i: usize) -> Vec3 {
        [self.x[i], self.y[i], self.z[i]]
    }

    /// Room for `len` points, and for [`Points::eight`] from any of them on.
    pub(crate) fn resize(&mut self, len: usize) {
        for axis in [&mut self.x, &mut self.y, &mut self.z] {
            axis.resize(len + 7, 0.0);
        }
    }

    /// Eight points from one on, by axis; what is beyond the last is anything.
    #[inline(always)]
    pub(crate) fn eight(&self, start: usize) -> [[f64; 8]; 3] {
        [&self.x, &self.y, &self.z].map(|axis| *axis[start..].first_chunk().expect("resized for it"))
    }
}

/// x ↦ scale · rotation · x + shift; the rotation is proper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Motion {
    pub(crate) rotation: [Vec3; 3],
    pub(crate) shift: Vec3,
    pub(crate) scale: f64,
}

impl Motion {
    pub(crate) const IDENTITY: Self =
        Self { rotation: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], shift: [0.0; 3], scale: 1.0 };

    /// The motion with this rotation and scale that takes `from` to `to`.
    fn about(rotation: [Vec3; 3], scale: f64, from: Vec3, to: Vec3) -> Self {
        let mut motion = Self { rotation, shift: [0.0; 3], scale };
        motion.shift = sub(to, motion.apply(from));
        motion
    }

    pub(crate) fn translation(from: Vec3, to: Vec3) -> Self {
        Self::about(Self::IDENTITY.rotation, 1.0, from, to)
    }

    #[inline(always)]
    pub(crate) fn apply(&self, p: Vec3) -> Vec3 {
        let q = times(p, self.scale);
        let [r0, r1, r2] = self.rotation;
        [dot(r0, q) + self.shift[0], dot(r1, q) + self.shift[1], dot(r2, q) + self.shift[2]]
    }

    /// The same of several points, by axis.
    #[inline(always)]
    pub(crate) fn apply_each<const N: usize>(&self, [x, y, z]: &[[f64; N]; 3]) -> [[f64; N]; 3] {
        let (x, y, z): ([f64; N], [f64; N], [f64; N]) =
            (each(|k| x[k] * self.scale), each(|k| y[k] * self.scale), each(|k| z[k] * self.scale));
        let axis = |i: usize| -> [f64; N] {
            let (r, shift) = (self.rotation[i], self.shift[i]);
            each(|k| r[0] * x[k] + r[1] * y[k] + r[2] * z[k] + shift)
        };
        [axis(0), axis(1), axis(2)]
    }
}

/// The group whose motions align.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Turning {
    /// Any rotation in 3-D.
    Free,
    /// Rotation about a unit vector; the plane is the case of z.
    About(Vec3),
}

/// What becomes of a motion that is not the only best one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ambiguity {
    Refused,
    Taken,
}

/// What a fit needs besides points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit {
    pub(crate) turning: Turning,
    pub(crate) free_scale: bool,
    /// D².
    pub(crate) area: f64,
}

/// Below this share of the largest singular value the rotation is not unique.
const FLAT: f64 = 1e-6;
/// Below this share of D² the points say nothing about a rotation.
const SHORT: f64 = 1e-9;

impl Fit {
    /// The least-squares motion that lays the points `b` on the points `a`, if it is unique.
    pub(crate) fn motion(&self, a: &[Vec3], b: &[Vec3]) -> Option<Motion> {
        self.least_squares(a, b, Ambiguity::Refused)
    }

    /// The least-squares motion of the image `b` of a tuple onto the tuple `a`, whose own bounds keep it from being flat.
    pub(crate) fn tuple(&self, a: &[Vec3], b: &[Vec3]) -> Option<Motion> {
        self.least_squares(a, b, Ambiguity::Taken)
    }

    fn least_squares(&self, a: &[Vec3], b: &[Vec3], ambiguity: Ambiguity) -> Option<Motion> {
        let (to, from) = (mean(a.iter().copied()), mean(b.iter().copied()));
        let centred = || a.iter().zip(b).map(|(&p, &q)| (sub(p, to), sub(q, from)));
        let (rotation, product) = match self.turning {
            Turning::Free => {
                let mut m = [[0.0; 3]; 3];
                for (p, q) in centred() {
                    for (row, &x) in m.iter_mut().zip(&p) {
                        for (entry, &y) in row.iter_mut().zip(&q) {
                            *entry += x * y;
                        }
                    }
                }
                free_rotation(m, self.area, ambiguity)?
            }
            Turning::About(up) => {
                let (mut cosine, mut sine, mut upright, mut products) = (0.0, 0.0, 0.0, 0.0);
                for (p, q) in centred() {
                    let (v, w) = (dot(p, up), dot(q, up));
                    let (level_p, level_q) = (sub(p, times(up, v)), sub(q, times(up, w)));
                    cosine += dot(level_p, level_q);
                    sine += dot(up, cross(level_q, level_p));
                    upright += v * w;
                    products += norm(level_p) * norm(level_q);
                }
                let resultant = (cosine * cosine + sine * sine).sqrt();
                let ambiguous = resultant <= FLAT * products || products <= SHORT * self.area;
                if resultant == 0.0 || (ambiguous && ambiguity == Ambiguity::Refused) {
                    return None;
                }
                (turn_about(up, cosine / resultant, sine / resultant), resultant + upright)
            }
        };
        let scale = if self.free_scale {
            let squares: f64 = b.iter().map(|&q| sub(q, from)).map(|q| dot(q, q)).sum();
            let scale = product / squares;
            if !(scale.is_finite() && scale > 0.0) {
                return None;
            }
            scale
        } else {
            1.0
        };
        Some(Motion::about(rotation, scale, from, to))
    }

    /// The motion of one pair onto another by the smallest rotation; neither may be a point.
    pub(crate) fn smallest(&self, a: [Vec3; 2], b: [Vec3; 2]) -> Motion {
        let (p, q) = (sub(a[1], a[0]), sub(b[1], b[0]));
        let (length, image) = (norm(p), norm(q));
        let rotation = smallest_rotation(times(q, 1.0 / image), times(p, 1.0 / length));
        let scale = if self.free_scale { length / image } else { 1.0 };
        Motion::about(rotation, scale, times(add(b[0], b[1]), 0.5), times(add(a[0], a[1]), 0.5))
    }
}

/// Rotation about the unit vector `up`.
fn turn_about(up: Vec3, cosine: f64, sine: f64) -> [Vec3; 3] {
    let [x, y, z] = up;
    let rest = 1.0 - cosine;
    [
        [cosine + rest * x * x, rest * x * y - sine * z, rest * x * z + sine * y],
        [rest * x * y + sine * z, cosine + rest * y * y, rest * y * z - sine * x],
        [rest * x * z - sine * y, rest * y * z + sine * x, cosine + rest * z * z],
    ]
}

/// The smallest rotation of the unit vector `from` to the unit vector `to`: two half turns, about `from` and about the middle.
fn smallest_rotation(from: Vec3, to: Vec3) -> [Vec3; 3] {
    let middle = add(from, to);
    let length = norm(middle);
    let half_turn = |n: Vec3| {
        let mut r = [[0.0; 3]; 3];
        for (i, row) in r.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = 2.0 * n[i] * n[j] - if i == j { 1.0 } else { 0.0 };
            }
        }
        r
    };
    if length < 1e-9 {
        // Opposite: every axis across is as good; the one made from the axis least along `from`.
        let least = (0..3).fold(0, |best, i| if from[i].abs() < from[best].abs() { i } else { best });
        let mut axis = [0.0; 3];
        axis[least] = 1.0;
        let across = cross(from, axis);
        return half_turn(times(across, 1.0 / norm(across)));
    }
    let (first, second) = (half_turn(from), half_turn(times(middle, 1.0 / length)));
    let mut r = [[0.0; 3]; 3];
    for (row, outer) in r.iter_mut().zip(&second) {
        for (j, entry) in row.iter_mut().enumerate() {
            *entry = outer[0] * first[0][j] + outer[1] * first[1][j] + outer[2] * first[2][j];
        }
    }
    r
}

/// The proper rotation R with the largest trace of Rᵀ·M, and that trace; none where it is not unique and that matters.
fn free_rotation(m: [Vec3; 3], area: f64, ambiguity: Ambiguity) -> Option<([Vec3; 3], f64)> {
    let Svd { left, values, right } = singular_values(m);
    let [u1, u2] = left;
    let [v1, v2] = right;
    let (u3, v3) = (cross(u1, u2), cross(v1, v2));
    let image = [dot(m[0], v3), dot(m[1], v3), dot(m[2], v3)];
    let signed = dot(image, u3);
    let ambiguous = values[1] + signed <= FLAT * values[0] || values[0] <= SHORT * area;
    if values[1] == 0.0 || (ambiguous && ambiguity == Ambiguity::Refused) {
        return None;
    }
    let mut r = [[0.0; 3]; 3];
    for (i, row) in r.iter_mut().enumerate() {
        for (j, entry) in row.iter_mut().enumerate() {
            *entry = u1[i] * v1[j] + u2[i] * v2[j] + u3[i] * v3[j];
        }
    }
    Some((r, values[0] + values[1] + signed))
}

/// The two largest singular values with their vectors.
struct Svd {
    left: [Vec3; 2],
    values: [f64; 2],
    right: [Vec3; 2],
}

/// One-sided Jacobi: turns the columns of M until they are orthogonal, which keeps small singular values accurate.
fn singular_values(m: [Vec3; 3]) -> Svd {
    let mut columns = [[m[0][0], m[1][0], m[2][0]], [m[0][1], m[1][1], m[2][1]], [m[0][2], m[1][2], m[2][2]]];
    let mut turns = Motion::IDENTITY.rotation;
    for _ in 0..SWEEPS {
        let mut still = true;
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            let (a, b) = (columns[i], columns[j]);
            let (p, q, r) = (dot(a, a), dot(b, b), dot(a, b));
            if r * r <= 1e-32 * p * q || r == 0.0 {
                continue;
            }
            still = false;
            let zeta = (q - p) / (2.0 * r);
            let tangent = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
            let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
            let sine = cosine * tangent;
            for pair in [&mut columns, &mut turns] {
                let (a, b) = (pair[i], pair[j]);
                pair[i] = sub(times(a, cosine), times(b, sine));
                pair[j] = add(times(a, sine), times(b, cosine));
            }
        }
        if still {
            break;
        }
    }
    let lengths = columns.map(norm);
    let mut order = [0, 1, 2];
    order.sort_by(|&i, &j| lengths[j].total_cmp(&lengths[i]));
    let unit = |i: usize| if lengths[i] > 0.0 { times(columns[i], 1.0 / lengths[i]) } else { [0.0; 3] };
    Svd {
        left: [unit(order[0]), unit(order[1])],
        values: [lengths[order[0]], lengths[order[1]]],
        right: [turns[order[0]], turns[order[1]]],
    }
}

/// One-sided Jacobi on 3x3 converges quadratically; six sweeps are reached on no input that was tried, this is a bound.
const SWEEPS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Fit = Fit { turning: Turning::Free, free_scale: false, area: 100.0 };

    fn close(a: Vec3, b: Vec3) -> bool {
        distance(a, b) < 1e-9
    }

    #[test]
    fn a_fit_undoes_a_motion_and_never_mirrors() {
        let points = [[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 8.0, 0.0], [1.0, 1.0, 5.0]];
        let turned = points.map(|[x, y, z]| [2.0 + x, -z, y]);
        let motion = FREE.motion(&points, &turned).unwrap();
        assert!(points.iter().zip(turned).all(|(&p, q)| close(p, motion.apply(q))));
        let mirrored = points.map(|[x, y, z]| [-x, y, z]);
        let motion = FREE.motion(&points, &mirrored).unwrap();
        let [a, b, c] = motion.rotation;
        assert!((dot(a, cross(b, c)) - 1.0).abs() < 1e-12);
        assert!(!points.iter().zip(mirrored).all(|(&p, q)| close(p, motion.apply(q))));
    }

    #[test]
    fn flat_layouts_have_a_fit_lines_and_places_have_none() {
        let flat = [[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 8.0, 0.0]];
        let turned = flat.map(|[x, y, z]| [z, x, y]);
        let motion = FREE.motion(&flat, &turned).unwrap();
        assert!(flat.iter().zip(turned).all(|(&p, q)| close(p, motion.apply(q))));
        let line = [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]];
        assert_eq!(FREE.motion(&line, &line), None);
        assert_eq!(FREE.motion(&flat, &[[1.0; 3]; 3]), None);
        assert_eq!(FREE.motion(&[], &[]), None);
    }

    #[test]
    fn turning_about_an_axis_keeps_it() {
        let up = [0.0, 1.0, 0.0];
        let fit = Fit { turning: Turning::About(up), free_scale: true, area: 100.0 };
        let points = [[0.0, 0.0, 0.0], [6.0, 1.0, 0.0], [0.0, 3.0, 8.0]];
        let turned = points.map(|[x, y, z]| [z * 0.5, y * 0.5 + 4.0, -x * 0.5]);
        let motion = fit.motion(&points, &turned).unwrap();
        assert!((motion.scale - 2.0).abs() < 1e-12);
        assert!(points.iter().zip(turned).all(|(&p, q)| close(p, motion.apply(q))));
        assert!(close(motion.rotation.map(|row| dot(row, up)), up));
        assert_eq!(fit.motion(&[[0.0; 3], [0.0, 5.0, 0.0]], &[[0.0; 3], [0.0, 5.0, 0.0]]), None);
    }

    #[test]
    fn the_smallest_rotation_also_turns_a_pair_round() {
        for image in [[[0.0; 3], [0.0, 0.0, 2.0]], [[1.0; 3], [-1.0, 1.0, 1.0]], [[0.0; 3], [2.0, 0.0, 1e-12]]] {
            let pair = [[0.0; 3], [2.0, 0.0, 0.0]];
            let motion = FREE.smallest(pair, image);
            assert!(close(motion.apply(image[0]), pair[0]) && close(motion.apply(image[1]), pair[1]), "{image:?}");
            let [a, b, c] = motion.rotation;
            assert!((dot(a, cross(b, c)) - 1.0).abs() < 1e-12);
        }
    }
}
