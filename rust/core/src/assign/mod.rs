//! One-to-one assignment of least cost, exact, with a fixed choice among equals.

#![expect(clippy::inline_always, reason = "rows of costs are read in wide loops, see `wide`")]

mod dense;
mod direct;
mod solver;
#[cfg(test)]
mod testing;
mod ties;

use std::ops::{Add, Sub};

use crate::wide::wide;
use dense::Dense;
use direct::{Direct, Outcome};
pub(crate) use direct::{Rows, eight};
use solver::{Assigner, Cost};
pub(crate) use solver::{Entry, Source};
pub(crate) use ties::{Sides, Ties};

/// No partner.
pub(crate) const NONE: u32 = u32::MAX;

/// The optimal assignments of a matrix of whole numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Optimum {
    direct: Direct,
    lists: Assigner<i64>,
    dense: Dense,
    solved_by: By,
    unique: bool,
    tight: Vec<(u32, u32)>,
}

/// What solved a problem.
#[derive(Clone, Copy, Debug, Default)]
enum By {
    #[default]
    Direct,
    Lists,
    Dense,
}

/// Fewer rows are not worth a whole matrix.
const MANY: usize = 5;
/// Nor are problems with this many columns a row, and at most one row in [`CONTESTED`] left by the price steps of the lists.
const WIDE: usize = 4;
const CONTESTED: usize = 8;

impl Optimum {
    /// The column of each row.
    pub(crate) fn column_of(&self) -> &[u32] {
        match self.solved_by {
            By::Direct => self.direct.column_of(),
            By::Lists => self.lists.column_of(),
            By::Dense => self.dense.column_of(),
        }
    }

    /// Whether no other assignment is as good.
    pub(crate) fn is_unique(&self) -> bool {
        self.unique
    }

    /// Dual price of a column: not above zero, and zero where an optimal assignment may leave it alone. Not known where the
    /// optimum is unique.
    pub(crate) fn column_price(&self, column: usize) -> i64 {
        match self.solved_by {
            By::Direct => self.direct.column_price(column),
            By::Lists => self.lists.column_price(column),
            By::Dense => self.dense.column_price(column),
        }
    }

    /// The pairs (row, column) of which every optimal assignment is made; not known where it is unique.
    pub(crate) fn tight(&self) -> &[(u32, u32)] {
        &self.tight
    }

    /// Finds what every optimal assignment is made of. There are at least as many columns as rows.
    pub(crate) fn solve(&mut self, rows: usize, columns: usize, source: &mut (impl Source<i64> + Rows)) {
        match self.direct.solve(rows, columns, source) {
            Outcome::Contested => {
                let mut read = std::mem::take(&mut self.direct);
                self.solve_contested(rows, columns, &mut read);
                self.direct = read;
            }
            Outcome::Large => self.solve_contested(rows, columns, source),
            outcome => self.conclude(outcome),
        }
    }

    fn solve_contested(&mut self, rows: usize, columns: usize, source: &mut impl Source<i64>) {
        let many = rows >= MANY;
        if many && columns < WIDE * rows && self.solve_whole(rows, columns, source) {
            return;
        }
        self.lists.begin(rows, columns, source);
        let left = self.lists.column_of().iter().filter(|&&column| column == NONE).count();
        if many && left > rows / CONTESTED && self.solve_whole(rows, columns, source) {
            return;
        }
        self.lists.finish(source);
        self.tighten(source);
    }

    /// Takes what was found directly.
    fn conclude(&mut self, outcome: Outcome) {
        self.solved_by = By::Direct;
        self.unique = outcome == Outcome::Unique;
        self.tight.clear();
        if !self.unique {
            self.direct.find_tight(&mut self.tight);
        }
    }

    #[cfg(test)]
    fn solve_lists(&mut self, rows: usize, columns: usize, source: &mut impl Source<i64>) {
        self.lists.solve(rows, columns, source);
        self.tighten(source);
    }

    fn tighten(&mut self, source: &mut impl Source<i64>) {
        self.solved_by = By::Lists;
        self.tight.clear();
        self.lists.find_tight(source, &mut self.tight);
        self.unique = self.tight.len() == self.column_of().len();
    }

    /// By the whole matrix; false where that cannot be.
    fn solve_whole(&mut self, rows: usize, columns: usize, source: &mut impl Source<i64>) -> bool {
        if !self.dense.solve(rows, columns, source) {
            return false;
        }
        self.solved_by = By::Dense;
        self.tight.clear();
        self.dense.find_tight(&mut self.tight);
        self.unique = self.tight.len() == self.column_of().len();
        true
    }
}

/// A cost in which a forbidden pair outweighs every sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
struct Guarded {
    forbidden: i64,
    cost: f64,
}

impl Add for Guarded {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { forbidden: self.forbidden + other.forbidden, cost: self.cost + other.cost }
    }
}

impl Sub for Guarded {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { forbidden: self.forbidden - other.forbidden, cost: self.cost - other.cost }
    }
}

impl Cost for Guarded {
    const ZERO: Self = Self { forbidden: 0, cost: 0.0 };
    const MAX: Self = Self { forbidden: i64::MAX, cost: 0.0 };
}

/// A matrix that is there as a whole.
struct Whole<F> {
    columns: usize,
    cost: F,
}

impl<C: Cost, F: Fn(usize, usize) -> C> Source<C> for Whole<F> {
    fn first(&mut self, row: usize, out: &mut Vec<Entry<C>>) -> C {
        self.all(row, out);
        C::MAX
    }

    fn all(&mut self, row: usize, out: &mut Vec<Entry<C>>) {
        let start = out.len();
        out.extend((0..self.columns).map(|column| Entry { cost: (self.cost)(row, column), column: column as u32 }));
        out[start..].sort_by(|a, b| a.cost.partial_cmp(&b.cost).unwrap_or(std::cmp::Ordering::Equal));
    }

    #[inline(always)]
    fn whole(&mut self, row: usize, out: &mut Vec<C>) {
        out.extend((0..self.columns).map(|column| (self.cost)(row, column)));
    }
}

/// A matrix of real costs, row by row, with at least as many columns as rows.
struct Matrix<'a> {
    cost: &'a [f64],
    columns: usize,
}

impl Matrix<'_> {
    #[inline(always)]
    fn whole_numbers(&self, row: usize) -> impl Iterator<Item = i64> {
        self.cost[row * self.columns..][..self.columns].iter().map(|&cost| whole_number(cost))
    }
}

impl<'a> Rows for Matrix<'a> {
    /// The row's costs and those of the rows behind it.
    type Row = &'a [f64];

    #[inline(always)]
    fn row(&self, row: usize) -> &'a [f64] {
        &self.cost[row * self.columns..]
    }

    #[inline(always)]
    fn costs<const WITHIN: bool>(&self, row: &&'a [f64], first: usize, unit: f64) -> [f64; 8] {
        eight::<WITHIN, _>(row, first, 0.0).map(|cost| rounded(cost, unit))
    }
}

impl Source<i64> for Matrix<'_> {
    fn first(&mut self, row: usize, out: &mut Vec<Entry<i64>>) -> i64 {
        self.all(row, out);
        i64::MAX
    }

    fn all(&mut self, row: usize, out: &mut Vec<Entry<i64>>) {
        let start = out.len();
        out.extend(self.whole_numbers(row).zip(0..).map(|(cost, column)| Entry { cost, column }));
        out[start..].sort_by_key(|entry| entry.cost);
    }

    #[inline(always)]
    fn whole(&mut self, row: usize, out: &mut Vec<i64>) {
        out.extend(self.whole_numbers(row));
    }
}

/// The scorer's own assignment of matrices, one after the other in the same memory: costs are rounded to whole numbers of
/// 2^-32, as in scoring, and of assignments of the same sum the first is taken.
///
/// # Examples
/// ```
/// let mut solver = videostr_core::assign::Solver::default();
/// let mut columns = [0; 2];
/// solver.assign(&[0.0, 1.0, 1.0, 100.0], 2, &mut columns);
/// assert_eq!(columns, [1, 0]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Solver {
    optimum: Optimum,
    ties: Ties,
    /// The costs of a matrix with more rows than columns, column by column.
    turned: Vec<f64>,
    partners: Vec<u32>,
}

impl Solver {
    /// Writes the column of each row, -1 for rows that are left over, of a row-major matrix of costs from 0 to 1024.
    ///
    /// # Panics
    /// When `cost` does not hold `out.len() * columns` numbers.
    pub fn assign(&mut self, cost: &[f64], columns: usize, out: &mut [i64]) {
        let rows = out.len();
        assert_eq!(cost.len(), rows * columns, "a matrix of {rows} x {columns} costs");
        let sides = Sides { references: rows, replies: columns, flipped: rows > columns };
        if sides.flipped {
            self.turned.clear();
            for column in 0..columns {
                self.turned.extend(cost[column..].iter().step_by(columns));
            }
        }
        let cost = if sides.flipped { &self.turned } else { cost };
        let columns = rows.max(columns);
        self.optimum.solve(rows.min(sides.replies), columns, &mut Matrix { cost, columns });
        if self.optimum.is_unique() && !sides.flipped {
            for (out, &column) in out.iter_mut().zip(self.optimum.column_of()) {
                *out = i64::from(column);
            }
            return;
        }
        self.partners.clear();
        self.partners.resize(rows, NONE);
        self.ties.settle(&self.optimum, sides, &mut self.partners);
        for (out, &partner) in out.iter_mut().zip(&self.partners) {
            *out = if partner == NONE { -1 } else { i64::from(partner) };
        }
    }
}

/// The place of the first cost that [`Solver::assign`] does not take: those from 0 to 1024 it does.
///
/// # Examples
/// ```
/// use videostr_core::assign::first_unfit;
/// assert_eq!(first_unfit(&[0.0, 1024.0]), None);
/// assert_eq!(first_unfit(&[0.5, f64::NAN, -1.0]), Some(1));
/// ```
#[must_use]
pub fn first_unfit(costs: &[f64]) -> Option<usize> {
    let fits = |cost: &f64| (0.0..=1024.0).contains(cost);
    // All are looked at first: a loop with a way out amid is not compiled for wide registers.
    let fit = wide(
        #[inline(always)]
        || costs.iter().fold(true, |all, cost| all & fits(cost)),
    );
    if fit { None } else { costs.iter().position(|cost| !fits(cost)) }
}

/// 2^32: the grid of costs.
const FINENESS: f64 = 4_294_967_296.0;

/// The same as a float64, times a power of two.
#[inline(always)]
pub(crate) fn rounded(cost: f64, unit: f64) -> f64 {
    (cost * (FINENESS * unit) + MAGIC * unit) - MAGIC * unit
}

/// 1.5 * 2^52: adding it rounds to a whole number.
const MAGIC: f64 = 6_755_399_441_055_744.0;

/// A cost from 0 to 2^19 in parts of 1 / [`FINENESS`], rounded to even.
#[inline(always)]
pub(crate) fn whole_number(cost: f64) -> i64 {
    let shifted = cost * FINENESS + MAGIC;
    (shifted.to_bits() & 0x0007_ffff_ffff_ffff).cast_signed()
}

/// Assigns rows to columns of a row-major matrix of real costs: the most pairs first, then the least sum.
///
/// `f64::INFINITY` forbids a pair (so does NaN). The result has one entry a row: its column, or -1. The scorer itself works on
/// integer costs, where ties are decided too; here any assignment of least sum may come out.
///
/// # Panics
/// When `cost` does not hold `rows * columns` numbers.
///
/// # Examples
/// ```
/// use videostr_core::assign::assign_costs;
/// let inf = f64::INFINITY;
/// assert_eq!(assign_costs(&[0.0, 1.0, 1.0, 100.0], 2, 2), [1, 0]);
/// assert_eq!(assign_costs(&[inf, 5.0, inf, 1.0], 2, 2), [-1, 1]);
/// ```
#[must_use]
pub fn assign_costs(cost: &[f64], rows: usize, columns: usize) -> Vec<i64> {
    assert_eq!(cost.len(), rows * columns, "a matrix of {rows} x {columns} costs");
    let guarded = |row: usize, column: usize| match cost[row * columns + column] {
        value if value.is_nan() || value == f64::INFINITY => Guarded { forbidden: 1, cost: 0.0 },
        value => Guarded { forbidden: 0, cost: value },
    };
    let flipped = rows > columns;
    let (inner, outer) = if flipped { (rows, columns) } else { (columns, rows) };
    let mut assigner = Assigner::default();
    let matrix = |i: usize, j: usize| if flipped { guarded(j, i) } else { guarded(i, j) };
    assigner.solve(outer, inner, &mut Whole { columns: inner, cost: matrix });
    let mut out = vec![-1; rows];
    for (i, &j) in assigner.column_of().iter().enumerate().filter(|(_, j)| **j != NONE) {
        let (row, column) = if flipped { (j as usize, i) } else { (i, j as usize) };
        if guarded(row, column).forbidden == 0 {
            out[row] = i64::from(column as u32);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::testing::Matrix;
    use super::*;

    /// Every injective map of the smaller side, tried.
    fn brute(cost: &[i64], references: usize, replies: usize) -> Vec<u32> {
        fn go(
            cost: &[i64],
            m: usize,
            at: usize,
            skips: usize,
            sum: i64,
            now: &mut Vec<u32>,
            best: &mut Option<(i64, Vec<u32>)>,
        ) {
            let n = cost.len() / m;
            if at == n {
                let better = best.as_ref().is_none_or(|(least, pairs)| (sum, &*now) < (*least, pairs));
                if better {
                    *best = Some((sum, now.clone()));
                }
                return;
            }
            for j in 0..m {
                if !now.contains(&(j as u32)) {
                    now.push(j as u32);
                    go(cost, m, at + 1, skips, sum + cost[at * m + j], now, best);
                    now.pop();
                }
            }
            if skips > 0 {
                now.push(NONE);
                go(cost, m, at + 1, skips - 1, sum, now, best);
                now.pop();
            }
        }
        let mut best = None;
        go(cost, replies, 0, references.saturating_sub(replies), 0, &mut Vec::new(), &mut best);
        best.unwrap().1
    }

    #[test]
    fn the_first_of_all_optimal_assignments() {
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut optimum = Optimum::default();
        let mut ties = Ties::default();
        for round in 0..6000 {
            let (n, m) = (1 + random(5) as usize, 1 + random(5) as usize);
            let range = [1, 2, 3, 5, 100][round % 5];
            let cost: Vec<i64> = (0..n * m).map(|_| random(range).cast_signed() - 1).collect();
            let mut out = vec![0; n];
            let flipped = n > m;
            let at = |i: usize, j: usize| if flipped { cost[j * m + i] } else { cost[i * m + j] };
            let columns = n.max(m);
            let mut source = Matrix { columns, costs: (0..n * m).map(|k| at(k / columns, k % columns)).collect() };
            optimum.solve(n.min(m), n.max(m), &mut source);
            ties.settle(&optimum, Sides { references: n, replies: m, flipped }, &mut out);
            assert_eq!(out, brute(&cost, n, m), "{n} x {m}: {cost:?}");
        }
    }

    #[test]
    fn forbidden_pairs_are_left_out_and_the_most_pairs_come_first() {
        let x = f64::INFINITY;
        assert_eq!(assign_costs(&[1.0, x, 0.0, 1000.0], 2, 2), [0, 1]);
        assert_eq!(assign_costs(&[x, x, x, x], 2, 2), [-1, -1]);
        assert_eq!(assign_costs(&[3.0, 1.0, 2.0], 3, 1), [-1, 0, -1]);
        assert_eq!(assign_costs(&[3.0, 1.0, 2.0], 1, 3), [1]);
        assert_eq!(assign_costs(&[], 0, 3), Vec::<i64>::new());
        assert_eq!(assign_costs(&[], 2, 0), [-1, -1]);
        assert_eq!(assign_costs(&[1.59e300, 0.0, 0.91e300, 1.0], 2, 2), [1, 0]);
    }
}
