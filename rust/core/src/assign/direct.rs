//! The Hungarian method where most rows have a best column of their own: row minima, a few price steps, the paths that are left.
//!
//! Costs are whole numbers in float64, whose sums and differences are exact below 2^53 and whose least wide registers find
//! without a comparison apart. Each is multiplied by a power of two above the number of columns and carries its column below,
//! so that the least number of a row names its column; of equals a free one is the least.
//!
//! Where columns are more than rows, one idle row, whose costs are all zero, holds as many as are left over.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::{Entry, NONE, Source};
use crate::lanes::{LANES, Lined, each};
use crate::wide::{Vectored, vectored};
use fearless_simd::f64x8;
use fearless_simd::prelude::*;

/// Above every path.
const FAR: f64 = (1_u64 << 60) as f64;
/// Costs up to this one, columns included, keep every sum below 2^52: no price is below -4 times it, no path above 5 times.
const LARGEST: f64 = (1_u64 << 49) as f64;
/// Adding it moves a whole number below 2^52 to the low bits.
const SHIFT: f64 = (1_u64 << 52) as f64;

/// Up to as many rows, and as many columns as there are lanes, are first given their least columns.
const FEW: usize = 4;

/// Where the costs come from.
pub(crate) trait Rows {
    /// What all costs of a row are made of.
    type Row;
    fn row(&self, row: usize) -> Self::Row;
    /// Costs from a column on, whole numbers not below -1, and such numbers beyond the last column, of which there are none
    /// where `WITHIN`; all times `unit`, a power of two.
    fn costs<const WITHIN: bool>(&self, row: &Self::Row, first: usize, unit: f64) -> [f64; LANES];
}

/// Eight values from a place on, `other` beyond the end, which is not reached where `WITHIN`. They are read together wherever
/// that can be, though fewer are asked for: what is stored one by one cannot be loaded together soon after.
#[inline(always)]
pub(crate) fn eight<const WITHIN: bool, T: Copy + Default>(values: &[T], start: usize, other: T) -> [T; LANES] {
    match values.get(start..start + LANES).and_then(<[T]>::first_chunk) {
        Some(eight) => *eight,
        None if WITHIN => [other; LANES],
        None => fewer(values.get(start..).unwrap_or_default(), other),
    }
}

/// Fewer values than eight, `other` behind them.
#[inline(never)]
fn fewer<T: Copy>(values: &[T], other: T) -> [T; LANES] {
    let mut eight = [other; LANES];
    for (one, &value) in eight.iter_mut().zip(values) {
        *one = value;
    }
    eight
}

/// What came of a problem.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    /// Solved, and no other assignment is as good.
    Unique,
    /// Solved; others may be as good.
    Tied,
    /// Not solved: too many rows want the same columns. The costs are known.
    Contested,
    /// Not solved: costs are too large.
    Large,
}

/// A row that the search for a path looked at.
#[derive(Clone, Copy, Debug)]
struct Scan {
    row: u32,
    /// The column that the row holds and by which it was reached; none where the search began.
    column: u32,
    /// The path to that column, and what to add to the row's costs to get paths.
    length: f64,
    offset: f64,
}

/// A problem, its solution with dual prices, and the memory for both, reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Direct {
    columns: usize,
    /// The columns, filled up to whole lanes.
    width: usize,
    /// From row to row in `costs`: rows a power of two apart share cache lines.
    stride: usize,
    /// What costs and prices are multiplied by; half of it is added to the path to a column that some row holds.
    unit: f64,
    /// Row by row; the last row is the idle one.
    costs: Lined<f64>,
    /// What marks each column, of as many as are marked; the unit in it keeps costs of -1 from falling below zero.
    marks: Lined<f64>,
    marked: usize,
    prices: Lined<f64>,
    /// Price of the columns that the idle row holds.
    level: f64,
    row_of: Vec<u32>,
    column_of: Vec<u32>,
    waiting: Vec<u32>,
    /// The least cost of each row and the least but that one, of eight rows together.
    least: Vec<[[f64; LANES]; 2]>,
    /// What each row pays for the column that it holds, price taken off, without the column's mark.
    pays: Vec<f64>,
    /// Columns that no row holds, and what to ask for them.
    free: Vec<(u32, f64)>,
    /// Rows that may have more than one tight column.
    touched: Vec<bool>,
    reach: Lined<f64>,
    /// What is taken off the path to a column: its price, less half a unit where a row holds it, [`FAR`] less once its
    /// shortest path is known.
    off: Lined<f64>,
    scanned: Vec<Scan>,
    /// Held columns whose row has other tight columns, these as bits, and those columns that still lead on.
    from: Vec<u32>,
    ways: Vec<u64>,
    alive: Vec<u64>,
    /// The bits of a row's costs.
    sorted: Vec<u64>,
}

impl Direct {
    /// The column of each row.
    pub(super) fn column_of(&self) -> &[u32] {
        &self.column_of
    }

    /// Dual price of a column: not above zero, and zero where an optimal assignment may leave it alone.
    pub(super) fn column_price(&self, column: usize) -> i64 {
        ((self.prices[column] - self.level) / self.unit) as i64
    }

    /// Assigns every row its own column at the least sum. There are at least as many columns as rows.
    pub(super) fn solve(&mut self, rows: usize, columns: usize, source: &impl Rows) -> Outcome {
        if rows == columns && (rows == 2 || rows == 3) {
            self.solve_few(rows, source);
            return Outcome::Unique;
        }
        self.columns = columns;
        self.width = columns.next_multiple_of(LANES);
        self.stride = self.width + if self.width.is_multiple_of(64) { LANES } else { 0 };
        self.unit = (2 * self.width.next_power_of_two() as u64) as f64;
        vectored(Solving { direct: self, rows, source })
    }

    /// The pairs (row, column) of which every optimal assignment is made.
    pub(super) fn find_tight(&self, tight: &mut Vec<(u32, u32)>) {
        vectored(Finding { direct: self, tight });
    }

    /// All assignments of a few rows and as many columns, tried in their order.
    #[inline(always)]
    fn solve_few(&mut self, rows: usize, source: &impl Rows) {
        let mut costs = [[0.0; LANES]; 3];
        for (row, costs) in costs.iter_mut().enumerate().take(rows) {
            *costs = source.costs::<false>(&source.row(row), 0, 1.0);
        }
        let [a, b, c] = costs;
        self.column_of.clear();
        if rows == 2 {
            let straight = a[0] + b[1] <= a[1] + b[0];
            self.column_of.extend_from_slice(if straight { &[0, 1] } else { &[1, 0] });
            return;
        }
        let mut best = (f64::INFINITY, [0; 3]);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0_u32]] {
            let sum = a[order[0] as usize] + b[order[1] as usize] + c[order[2] as usize];
            if sum < best.0 {
                best = (sum, order);
            }
        }
        self.column_of.extend_from_slice(&best.1);
    }

    /// Gives a few rows their least columns; false where two want one, or one has two.
    #[inline(always)]
    fn take_least<S: Simd>(&mut self, simd: S, least: &[[f64; LANES]]) -> bool {
        let (shift, columns) = (self.unit_bits(), whole(self.unit / 2.0) - 1);
        let (mut seen, mut loose) = (0_u32, false);
        self.column_of.clear();
        for lanes in least {
            let (best, second) = two(simd, *lanes);
            let column = (whole(best) & columns) as u32;
            seen |= 1 << (column % 32);
            loose |= whole(best) >> shift == whole(second) >> shift;
            self.column_of.push(column);
        }
        !loose && seen.count_ones() as usize == least.len()
    }

    #[inline(always)]
    fn solve_wide<S: Simd>(&mut self, simd: S, rows: usize, source: &impl Rows) -> Outcome {
        if self.marked != self.columns {
            self.marked = self.columns;
            self.marks.resize(self.width);
            for (mark, column) in self.marks.iter_mut().zip(0..) {
                *mark = if column < self.columns { column as f64 + self.unit } else { FAR };
            }
        }
        self.costs.resize((rows + 1) * self.stride);
        self.least.clear();
        let (unit, within, mut largest) = (self.unit, self.columns / LANES, [0.0; LANES]);
        for start in (0..rows).step_by(LANES) {
            let marks = self.marks.as_chunks::<LANES>().0;
            let mut bests = [[FAR; LANES]; LANES];
            let mut seconds = bests;
            let costs = self.costs[start * self.stride..].chunks_exact_mut(self.stride);
            for (((row, costs), best), second) in (start..rows).zip(costs).zip(&mut bests).zip(&mut seconds) {
                let mut reading = Reading { best: [FAR; LANES], second: [FAR; LANES], largest: &mut largest };
                let (costs, known) = (costs.as_chunks_mut::<LANES>().0, source.row(row));
                // Counted, not zipped: what an iterator keeps would be kept in memory between the registers' steps.
                for k in 0..within {
                    costs[k] = reading.mark(source.costs::<true>(&known, k * LANES, unit), &marks[k]);
                }
                if within < marks.len() {
                    costs[within] = reading.mark(source.costs::<false>(&known, within * LANES, unit), &marks[within]);
                }
                (*best, *second) = (reading.best, reading.second);
            }
            if largest.iter().any(|cost| *cost > LARGEST) {
                return Outcome::Large;
            }
            if self.width == LANES && rows <= FEW && self.take_least(simd, &bests[..rows]) {
                return Outcome::Unique;
            }
            self.least.push(two_of_each(simd, &bests, &seconds));
        }
        for list in [&mut self.row_of, &mut self.column_of, &mut self.waiting] {
            list.clear();
        }
        self.touched.clear();
        self.pays.clear();
        self.row_of.resize(self.width, NONE);
        let mut waiting = 0;
        self.column_of.resize(rows, NONE);
        self.waiting.resize(rows, 0);
        let (shift, columns) = (self.unit_bits(), whole(self.unit / 2.0) - 1);
        for ([best, second], start) in self.least.iter().zip((0..).step_by(LANES)) {
            let best_column: [u64; LANES] = each(|k| whole(best[k]) & columns);
            let equal: [bool; LANES] = each(|k| whole(best[k]) >> shift == whole(second[k]) >> shift);
            let pays: [f64; LANES] = each(|k| best[k] - (f64::from_bits(SHIFT.to_bits() | best_column[k]) - SHIFT));
            self.touched.extend_from_slice(&equal);
            self.pays.extend_from_slice(&pays);
            for ((row, held), column) in (start..).zip(&mut self.column_of[start as usize..]).zip(best_column) {
                let row_of = &mut self.row_of[column as usize];
                let free = *row_of == NONE;
                self.waiting[waiting] = row;
                waiting += usize::from(!free);
                *held = if free { column as u32 } else { NONE };
                *row_of = if free { row } else { *row_of };
            }
        }
        self.touched.truncate(rows);
        self.pays.truncate(rows);
        self.waiting.truncate(waiting);
        let loose = self.touched.iter().fold(false, |any, touched| any | touched);
        if self.waiting.is_empty() && !loose {
            return Outcome::Unique;
        }
        self.prices.resize(self.width);
        self.prices.fill(0.0);
        self.level = 0.0;
        if 2 * self.waiting.len() > rows + 2 {
            return Outcome::Contested;
        }
        if !self.waiting.is_empty() {
            self.raise_prices(simd);
            let held = self.unit / 2.0;
            self.off.resize(self.width);
            for ((off, price), &row) in self.off.iter_mut().zip(&*self.prices).zip(&self.row_of) {
                *off = price - if row == NONE { 0.0 } else { held };
            }
            for k in 0..self.waiting.len() {
                self.augment(self.waiting[k]);
            }
        }
        if self.is_unique(simd) { Outcome::Unique } else { Outcome::Tied }
    }

    #[inline(always)]
    fn unit_bits(&self) -> u32 {
        whole(self.unit).trailing_zeros()
    }

    /// The column that a number carries.
    #[inline(always)]
    fn column(&self, value: f64) -> usize {
        (whole(value) & (whole(self.unit / 2.0) - 1)) as usize
    }

    #[inline(always)]
    fn row(&self, row: usize) -> &[f64] {
        &self.costs[row * self.stride..][..self.width]
    }

    /// Raises the price of each free column to what the first row would pay for it, and gives the idle row as many of the
    /// dearest as are left over, at one price.
    #[inline(always)]
    fn raise_prices<S: Simd>(&mut self, simd: S) {
        let rows = self.column_of.len();
        self.free.clear();
        for first in (0..self.width).step_by(LANES) {
            let held: [u32; LANES] = eight::<true, _>(&self.row_of, first, NONE);
            if !held.contains(&NONE) {
                continue;
            }
            let rows = || self.costs.chunks_exact(self.stride).zip(&self.pays);
            let mut least = f64x8::splat(simd, FAR);
            for (costs, &pays) in rows() {
                least = least.min(f64x8::simd_from(simd, eight::<true, _>(costs, first, FAR)) - pays);
            }
            let held = held.map(|row| if row == NONE { 0.0 } else { f64::NAN });
            // What a free column and its mark ask for together.
            let asked = least + f64x8::simd_from(simd, held);
            for ((costs, &pays), touched) in rows().zip(&mut self.touched) {
                *touched |=
                    (f64x8::simd_from(simd, eight::<true, _>(costs, first, FAR)) - pays).simd_eq(asked).to_bitmask()
                        != 0;
            }
            let places = (first..self.columns).zip(<[f64; LANES]>::from(asked)).filter(|(_, asked)| !asked.is_nan());
            self.free.extend(places.map(|(column, asked)| (column as u32, asked - column as f64)));
        }
        let spare = self.columns - rows;
        if spare > 0 {
            let wanted = self.waiting.len();
            self.free.select_nth_unstable_by(wanted, |a, b| a.1.total_cmp(&b.1));
            self.level = self.free[wanted].1;
            for (column, price) in &mut self.free[wanted..] {
                *price = self.level;
                self.row_of[*column as usize] = rows as u32;
            }
            self.costs[rows * self.stride..][..self.width].copy_from_slice(&self.marks);
        }
        for &(column, price) in &self.free {
            self.prices[column as usize] = price;
        }
    }

    /// Dijkstra over reduced costs from a row without a column, then the exchange along the path found.
    #[inline(always)]
    fn augment(&mut self, start: u32) {
        let (idle, held) = (self.column_of.len() as u32, self.unit / 2.0);
        self.reach.resize(self.width);
        self.reach.copy_from_slice(&self.costs[start as usize * self.stride..][..self.width]);
        let mut nearest = nearest_path(&self.reach, &self.off);
        self.scanned.clear();
        let mut scan = Scan { row: start, column: NONE, length: 0.0, offset: 0.0 };
        let (sink, length) = loop {
            self.scanned.push(scan);
            let column = self.column(nearest);
            let holder = self.row_of[column];
            if holder == NONE {
                break (column, nearest - column as f64);
            }
            let length = nearest - column as f64 - held;
            self.off[column] = -FAR;
            let pays = if holder == idle { self.unit - self.level } else { self.pays[holder as usize] };
            let offset = length - pays;
            if holder == idle {
                for (off, _) in self.off.iter_mut().zip(&self.row_of).filter(|(_, row)| **row == idle) {
                    *off = -FAR;
                }
            }
            scan = Scan { row: holder, column: column as u32, length, offset };
            let costs = &self.costs[holder as usize * self.stride..][..self.width];
            nearest = relax(costs, offset, &self.off, &mut self.reach);
        };
        self.touched[start as usize] = true;
        self.pays[start as usize] = length;
        for scan in &self.scanned[1..] {
            let gain = length - scan.length;
            if scan.row == idle {
                self.level -= gain;
                for (column, _) in self.row_of.iter().enumerate().filter(|(_, row)| **row == idle) {
                    self.prices[column] = self.level;
                    self.off[column] = self.level - held;
                }
            } else {
                let column = scan.column as usize;
                self.touched[scan.row as usize] = true;
                self.pays[scan.row as usize] += gain;
                self.prices[column] -= gain;
                self.off[column] = self.prices[column] - held;
            }
        }
        self.off[sink] = self.prices[sink] - held;
        let mut column = sink as u32;
        while column != NONE {
            let at = column as usize;
            // The first row that reaches a column by its shortest path was scanned before the column's own.
            let reaches =
                |scan: &&Scan| self.costs[scan.row as usize * self.stride + at] + scan.offset == self.reach[at];
            let &scan = self.scanned.iter().find(reaches).expect("a scanned row reaches every column on the path");
            self.row_of[at] = scan.row;
            if let Some(held) = self.column_of.get_mut(scan.row as usize) {
                *held = column;
            }
            column = scan.column;
        }
    }

    /// Of eight columns those that are tight for a row, as bits.
    #[inline(always)]
    fn tight_of<S: Simd>(&self, simd: S, row: usize, beyond: f64, first: usize) -> u64 {
        let costs: [f64; LANES] = eight::<true, _>(self.row(row), first, FAR);
        let prices: [f64; LANES] = eight::<true, _>(&self.prices, first, 0.0);
        (f64x8::simd_from(simd, costs) - f64x8::simd_from(simd, prices)).simd_lt(beyond).to_bitmask()
    }

    /// Above what a tight column costs a row, its price taken off.
    #[inline(always)]
    fn beyond(&self, row: usize) -> f64 {
        self.pays[row] + self.unit
    }

    /// Whether no other assignment is made of tight pairs: no column leads back to itself, by way of the other tight columns
    /// of the rows that hold them, or of a free column and one that may be left alone.
    #[inline(always)]
    fn is_unique<S: Simd>(&mut self, simd: S) -> bool {
        let words = self.width.div_ceil(64);
        self.ways.clear();
        self.from.clear();
        self.alive.clear();
        self.alive.resize(words, 0);
        for row in (0..self.touched.len()).filter(|&row| self.touched[row]) {
            let (held, beyond, start) = (self.column_of[row] as usize, self.beyond(row), self.ways.len());
            let mut others = 0;
            for first in (0..self.width).step_by(64) {
                let mut ways = 0;
                for lane in (first..self.width.min(first + 64)).step_by(LANES) {
                    ways |= self.tight_of(simd, row, beyond, lane) << (lane - first);
                }
                if held / 64 == first / 64 {
                    ways &= !(1 << (held % 64));
                }
                others |= ways;
                self.ways.push(ways);
            }
            if others == 0 {
                self.ways.truncate(start);
            } else {
                self.from.push(held as u32);
                self.alive[held / 64] |= 1 << (held % 64);
            }
        }
        let rows = self.column_of.len();
        let mut outside = self.columns > rows;
        if outside {
            for column in (0..self.columns).filter(|&column| self.row_of[column] as usize >= rows) {
                self.alive[column / 64] |= 1 << (column % 64);
            }
        }
        // Columns that lead nowhere are passed over until all that are left lead to each other.
        loop {
            let (mut changed, mut any, mut may_leave) = (false, false, false);
            for (ways, &from) in self.ways.chunks_exact(words).zip(&self.from) {
                let (word, bit) = (from as usize / 64, 1 << (from % 64));
                if self.alive[word] & bit != 0 {
                    let leads = ways.iter().zip(&self.alive).any(|(ways, alive)| ways & alive != 0);
                    any |= leads;
                    may_leave |= leads && self.prices[from as usize] == self.level;
                    if !leads {
                        self.alive[word] &= !bit;
                        changed = true;
                    }
                }
            }
            if !any {
                return true;
            }
            if outside && !may_leave {
                (outside, changed) = (false, true);
                for column in (0..self.columns).filter(|&column| self.row_of[column] as usize >= rows) {
                    self.alive[column / 64] &= !(1 << (column % 64));
                }
            }
            if !changed {
                return false;
            }
        }
    }
}

struct Solving<'a, R> {
    direct: &'a mut Direct,
    rows: usize,
    source: &'a R,
}

impl<R: Rows> Vectored for Solving<'_, R> {
    type Out = Outcome;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Outcome {
        self.direct.solve_wide(simd, self.rows, self.source)
    }
}

struct Finding<'a> {
    direct: &'a Direct,
    tight: &'a mut Vec<(u32, u32)>,
}

impl Vectored for Finding<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { direct, tight } = self;
        for (row, &column) in (0_u32..).zip(&direct.column_of) {
            if direct.touched[row as usize] {
                let beyond = direct.beyond(row as usize);
                for first in (0..direct.width).step_by(LANES) {
                    let mut bits = direct.tight_of(simd, row as usize, beyond, first);
                    while bits != 0 {
                        tight.push((row, first as u32 + bits.trailing_zeros()));
                        bits &= bits - 1;
                    }
                }
            } else {
                tight.push((row, column));
            }
        }
    }
}

/// The costs that were read, of a contested problem.
impl Source<i64> for Direct {
    fn first(&mut self, row: usize, out: &mut Vec<Entry<i64>>) -> i64 {
        self.all(row, out);
        i64::MAX
    }

    /// As many entries as there are rows, the cheapest, of equals the first: a row that has a dearer column in some assignment
    /// can have a free one of these instead.
    fn all(&mut self, row: usize, out: &mut Vec<Entry<i64>>) {
        let (rows, shift) = (self.column_of.len(), self.unit_bits());
        // Marked costs are not negative, so their bits have their order.
        let costs = &self.costs[row * self.stride..][..self.columns];
        self.sorted.clear();
        self.sorted.extend(costs.iter().map(|cost| cost.to_bits()));
        if rows < self.columns {
            self.sorted.select_nth_unstable(rows - 1);
        }
        self.sorted.truncate(rows);
        self.sorted.sort_unstable();
        let columns = whole(self.unit / 2.0) - 1;
        out.extend(self.sorted.iter().map(|&bits| {
            let marked = whole(f64::from_bits(bits));
            Entry { cost: (marked >> shift).cast_signed() - 1, column: (marked & columns) as u32 }
        }));
    }

    #[inline(always)]
    fn whole(&mut self, row: usize, out: &mut Vec<i64>) {
        let shift = self.unit_bits();
        out.extend(self.row(row)[..self.columns].iter().map(|&cost| cost_of(cost, shift)));
    }
}

/// The cost that was marked.
#[inline(always)]
fn cost_of(marked: f64, shift: u32) -> i64 {
    (whole(marked) >> shift).cast_signed() - 1
}

/// A whole number below 2^52.
#[inline(always)]
fn whole(value: f64) -> u64 {
    (value + SHIFT).to_bits() & ((1 << 52) - 1)
}

#[inline(always)]
fn less(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

#[inline(always)]
fn more(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[inline(always)]
fn least(lanes: [f64; LANES]) -> f64 {
    let a: [f64; 4] = each(|k| less(lanes[k], lanes[k + 4]));
    less(less(a[0], a[2]), less(a[1], a[3]))
}

/// The least of all lanes, and the least but that one.
#[inline(always)]
fn two<S: Simd>(simd: S, lanes: [f64; LANES]) -> (f64, f64) {
    let (a, b) = f64x8::simd_from(simd, lanes).split();
    let (first, next) = (a.min(b), a.max(b));
    let ((a, b), (c, d)) = (first.split(), next.split());
    let (first, next) = (a.min(b), a.max(b).min(c.min(d)));
    (less(first[0], first[1]), less(more(first[0], first[1]), less(next[0], next[1])))
}

/// The least numbers of eight rows and the least but those, from eight of each row: those of two rows into one, three times.
#[inline(always)]
fn two_of_each<S: Simd>(simd: S, bests: &[[f64; LANES]; LANES], seconds: &[[f64; LANES]; LANES]) -> [[f64; LANES]; 2] {
    let row = |k: usize| [f64x8::simd_from(simd, bests[k]), f64x8::simd_from(simd, seconds[k])];
    let pair = [
        merged(simd, row(0), row(1)),
        merged(simd, row(2), row(3)),
        merged(simd, row(4), row(5)),
        merged(simd, row(6), row(7)),
    ];
    let four = [merged(simd, pair[0], pair[1]), merged(simd, pair[2], pair[3])];
    merged(simd, four[0], four[1]).map(Into::into)
}

/// Of each two neighbours the least and the second, those of `a` before those of `b`.
#[inline(always)]
fn merged<S: Simd>(simd: S, a: [f64x8<S>; 2], b: [f64x8<S>; 2]) -> [f64x8<S>; 2] {
    let (even, odd) = simd.deinterleave_f64x8(a[0], b[0]);
    let (even_second, odd_second) = simd.deinterleave_f64x8(a[1], b[1]);
    [even.min(odd), even.max(odd).min(even_second.min(odd_second))]
}

/// What is known of a row that is being read.
struct Reading<'a> {
    best: [f64; LANES],
    second: [f64; LANES],
    /// Rises to costs that are larger.
    largest: &'a mut [f64; LANES],
}

impl Reading<'_> {
    /// Marks costs with their columns.
    #[inline(always)]
    fn mark(&mut self, costs: [f64; LANES], marks: &[f64; LANES]) -> [f64; LANES] {
        let values: [f64; LANES] = each(|k| costs[k] + marks[k]);
        for k in 0..LANES {
            self.largest[k] = more(self.largest[k], costs[k]);
            self.second[k] = less(self.second[k], more(self.best[k], values[k]));
            self.best[k] = less(self.best[k], values[k]);
        }
        values
    }
}

/// The nearest path, prices taken off.
#[inline(always)]
fn nearest_path(reach: &[f64], off: &[f64]) -> f64 {
    let mut nearest = [2.0 * FAR; LANES];
    for (reach, off) in reach.as_chunks::<LANES>().0.iter().zip(off.as_chunks::<LANES>().0) {
        nearest = each(|k| less(nearest[k], reach[k] - off[k]));
    }
    least(nearest)
}

/// Reaches columns from a row; the nearest path, prices taken off.
#[inline(always)]
fn relax(costs: &[f64], offset: f64, off: &[f64], reach: &mut [f64]) -> f64 {
    let mut nearest = [2.0 * FAR; LANES];
    let columns = costs.as_chunks::<LANES>().0.iter().zip(off.as_chunks::<LANES>().0);
    for ((costs, off), reach) in columns.zip(reach.as_chunks_mut::<LANES>().0) {
        let paths: [f64; LANES] = each(|k| less(costs[k] + offset, reach[k]));
        nearest = each(|k| less(nearest[k], paths[k] - off[k]));
        *reach = paths;
    }
    least(nearest)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Matrix;
    use super::super::{Optimum, Sides, Ties};
    use super::*;
    use crate::testing::Random;

    /// Costs of places in a square, and of as many and some more that are those, moved; a few are strangers.
    fn scene(random: &mut Random, rows: usize, columns: usize, side: u64) -> Vec<i64> {
        let places: Vec<[u64; 2]> = (0..columns).map(|_| [random.below(side), random.below(side)]).collect();
        let mut moved = places.clone();
        for place in &mut moved {
            if random.below(8) == 0 {
                *place = [random.below(side), random.below(side)];
            } else {
                *place = place.map(|at| at + random.below(side / 16 + 1));
            }
        }
        moved.rotate_left(columns / 3);
        let apart = |a: u64, b: u64| a.abs_diff(b).pow(2);
        let cost = |i: usize, j: usize| apart(places[i][0], moved[j][0]) + apart(places[i][1], moved[j][1]);
        (0..rows * columns).map(|k| cost(k / columns, k % columns).isqrt().cast_signed() - 1).collect()
    }

    #[test]
    fn gives_the_assignment_that_lists_give() {
        let mut random = Random(8);
        let (mut direct, mut lists) = (Direct::default(), Optimum::default());
        let mut seen = [0; 4];
        for round in 0..1600 {
            let rows = 1 + random.below([5, 12, 40, 90][round % 4]) as usize;
            let columns = rows + [0, 0, 1, random.below(20) as usize][round / 4 % 4];
            let side = [3, 50, 300, 1 << 24][round / 16 % 4];
            let mut matrix = Matrix { columns, costs: scene(&mut random, rows, columns, side) };
            let outcome = direct.solve(rows, columns, &matrix);
            seen[outcome as usize] += 1;
            lists.solve_lists(rows, columns, &mut matrix);
            if outcome == Outcome::Contested {
                let mut read = Vec::new();
                (0..rows).for_each(|row| direct.whole(row, &mut read));
                assert_eq!(read, matrix.costs);
                continue;
            }
            for flipped in [false, true] {
                let (references, replies) = if flipped { (columns, rows) } else { (rows, columns) };
                let sides = Sides { references, replies, flipped };
                let mut found = vec![NONE; references];
                let mut wanted = found.clone();
                Ties::default().settle(&lists, sides, &mut wanted);
                let mut solved = Optimum { direct: direct.clone(), ..Optimum::default() };
                solved.conclude(outcome);
                Ties::default().settle(&solved, sides, &mut found);
                assert_eq!(found, wanted, "{rows} x {columns}, {outcome:?}: {:?}", matrix.costs);
            }
        }
        assert!(seen[..3].iter().all(|count| *count > 100), "{seen:?}");
    }

    #[test]
    fn lists_as_long_as_there_are_rows_are_long_enough() {
        let mut random = Random(9);
        let (mut direct, mut short, mut whole) = (Direct::default(), Optimum::default(), Optimum::default());
        let mut contested = 0;
        for round in 0..600 {
            let rows = 5 + random.below(20) as usize;
            let columns = rows * 4 + random.below(60) as usize;
            // Rows that hardly differ, so that they want the same columns; few costs, so that many are equal.
            let (many, spread) = ([3, 30, 1000][round % 3], [1, 2, 5][round / 3 % 3]);
            let shared = random.list(columns, many);
            let costs = (0..rows * columns).map(|k| shared[k % columns] + random.list(1, spread)[0] - 1).collect();
            let mut matrix = Matrix { columns, costs };
            if direct.solve(rows, columns, &matrix) != Outcome::Contested {
                continue;
            }
            contested += 1;
            short.solve_lists(rows, columns, &mut direct);
            whole.solve_lists(rows, columns, &mut matrix);
            for flipped in [false, true] {
                let (references, replies) = if flipped { (columns, rows) } else { (rows, columns) };
                let settled = [&short, &whole].map(|optimum| {
                    let mut out = vec![NONE; references];
                    Ties::default().settle(optimum, Sides { references, replies, flipped }, &mut out);
                    out
                });
                assert_eq!(settled[0], settled[1], "{rows} x {columns}: {:?}", matrix.costs);
            }
        }
        assert!(contested > 200, "{contested}");
    }

    #[test]
    fn costs_that_are_too_large_are_left() {
        let mut direct = Direct::default();
        for (cost, outcome) in [(1 << 45, Outcome::Unique), (1 << 46, Outcome::Large), (1 << 62, Outcome::Large)] {
            let mut costs = vec![cost; 16];
            for k in 0..4 {
                costs[5 * k] = 0;
            }
            assert_eq!(direct.solve(4, 4, &Matrix { columns: 4, costs }), outcome, "{cost}");
        }
    }
}
