//! The Hungarian method on a whole matrix, for problems in which many rows want the same columns.
//!
//! The columns that stay alone are held by one idle row, whose costs are all zero and which holds as many as are left over. So
//! the problem is square, column prices are free, and each may start at the column's least cost.
//!
//! The loops over a row are written for wide registers. Costs and prices are multiplied by a power of two, and what is taken
//! off a cost is the column's price less its *mark*: its number, and a bit above it while some row holds it. So the least of
//! a row's differences names its column, and of equals a free one is the least.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::{NONE, Source};
use crate::wide::wide;

/// Price steps, times the number of rows.
const PRICE_STEPS: usize = 2;
/// Rows are filled up to a multiple of this many columns.
const LANES: usize = 8;
/// Above every path.
const FAR: i64 = 1 << 62;
/// Costs up to this one, marks included, cannot make a path reach [`FAR`]: prices stay between minus twice and once the largest.
const LARGEST: i64 = 1 << 59;

/// A problem, its solution with dual prices, and the memory for both, reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Dense {
    rows: usize,
    columns: usize,
    /// Columns and what a row is filled up with.
    width: usize,
    /// A mark is below `2 * held`; a column's number is below `held`, the bit of a column that some row holds.
    held: i64,
    /// Row by row; the last row is the idle one.
    costs: Vec<i64>,
    /// Price less mark of each column; while paths are searched, [`FAR`] below zero for those that are done.
    taken_off: Vec<i64>,
    column_of: Vec<u32>,
    row_of: Vec<u32>,
    /// Nearest path to each column with its mark, and the place in `scanned` of the row before it.
    reach: Reach,
    /// What `reach` becomes: loops that write where they read are compiled to masked stores, which are slow.
    next: Reach,
    scanned: Vec<Scan>,
    /// The other columns of the idle row, and what was taken off there plus the path to them.
    idle: Vec<(u32, i64)>,
    /// Price of the columns that stay alone.
    level: i64,
    waiting: Vec<u32>,
    sorted: Vec<i64>,
}

#[derive(Clone, Debug, Default)]
struct Reach {
    length: Vec<i64>,
    from: Vec<i64>,
}

/// A row that was looked at, and the column it holds: by which path, and what was taken off there.
#[derive(Clone, Copy, Debug)]
struct Scan {
    row: u32,
    column: u32,
    from: i64,
    length: i64,
    taken_off: i64,
}

impl Dense {
    /// The column of each row.
    pub(super) fn column_of(&self) -> &[u32] {
        &self.column_of
    }

    /// Dual price of a column: not above zero, and zero where an optimal assignment may leave it alone.
    pub(super) fn column_price(&self, column: usize) -> i64 {
        (self.price(column) - self.level) / (2 * self.held)
    }

    /// The pairs (row, column) of which every optimal assignment is made.
    pub(super) fn find_tight(&self, tight: &mut Vec<(u32, u32)>) {
        wide(
            #[inline(always)]
            || {
                for (row, &column) in (0..self.rows as u32).zip(&self.column_of) {
                    let costs = self.row(row as usize);
                    let level = costs[column as usize] - self.price(column as usize);
                    let beyond = level + 2 * self.held;
                    // A mark is less than one unit of cost.
                    let less = |(cost, off): (&i64, &i64)| cost - off < beyond;
                    if costs.iter().zip(&self.taken_off).map(|pair| i64::from(less(pair))).sum::<i64>() == 1 {
                        tight.push((row, column));
                        continue;
                    }
                    let columns = costs.iter().zip(&self.taken_off).zip(0_u32..);
                    tight.extend(columns.filter(|&(pair, _)| less(pair)).map(|(_, column)| (row, column)));
                }
            },
        );
    }

    /// Assigns every row its own column at the least sum; false, and nothing done, where costs are too large. There are at
    /// least as many columns as rows.
    pub(super) fn solve(&mut self, rows: usize, columns: usize, source: &mut impl Source<i64>) -> bool {
        (self.rows, self.columns) = (rows, columns);
        self.width = columns.next_multiple_of(LANES);
        self.held = (self.width.next_power_of_two() as u64).cast_signed();
        wide(
            #[inline(always)]
            || {
                self.costs.clear();
                for row in 0..rows {
                    source.whole(row, &mut self.costs);
                    self.costs.resize((row + 1) * self.width, 0);
                }
                let unit = 2 * self.held;
                if self.costs.iter().fold(0, |largest, &cost| largest.max(cost)) > LARGEST / unit {
                    return false;
                }
                for cost in &mut self.costs {
                    *cost *= unit;
                }
                for row in self.costs.chunks_exact_mut(self.width) {
                    row[columns..].fill(FAR);
                }
                self.costs.resize(rows * self.width + columns, 0);
                self.costs.resize((rows + 1) * self.width, FAR);
                self.first_prices();
                self.step_prices();
                self.reach.reset(self.width);
                self.next.reset(self.width);
                for row in 0..rows {
                    if self.column_of[row] == NONE {
                        self.augment(row);
                    }
                }
                let idle = self.row_of.iter().position(|&row| row as usize == rows);
                self.level = idle.map_or(0, |column| self.price(column));
                true
            },
        )
    }

    #[inline(always)]
    fn row(&self, row: usize) -> &[i64] {
        &self.costs[row * self.width..(row + 1) * self.width]
    }

    /// A column's price, times the unit of cost.
    #[inline(always)]
    fn price(&self, column: usize) -> i64 {
        let held = if self.row_of[column] == NONE { 0 } else { self.held };
        self.taken_off[column] + held + (column as u64).cast_signed()
    }

    /// Each column at its least cost, but so that the idle row is content with as many as it has to hold.
    #[inline(always)]
    fn first_prices(&mut self) {
        let (rows, columns, width) = (self.rows, self.columns, self.width);
        self.column_of.clear();
        self.column_of.resize(rows, NONE);
        self.row_of.clear();
        self.row_of.resize(width, NONE);
        self.taken_off.clear();
        for block in 0..width / LANES {
            let mut least = [FAR; LANES];
            for row in self.costs.chunks_exact(width).take(rows) {
                for (least, &cost) in least.iter_mut().zip(&row[block * LANES..]) {
                    *least = cost.min(*least);
                }
            }
            self.taken_off.extend_from_slice(&least);
        }
        self.taken_off[columns..].fill(0);
        if columns > rows {
            self.sorted.clear();
            self.sorted.extend_from_slice(&self.taken_off[..columns]);
            let (_, &mut level, _) = self.sorted.select_nth_unstable(rows);
            let mut idle = columns - rows;
            for (price, holder) in self.taken_off[..columns].iter_mut().zip(&mut self.row_of).rev() {
                if *price >= level {
                    *price = level;
                    if idle > 0 {
                        idle -= 1;
                        *holder = rows as u32;
                        *price -= self.held;
                    }
                }
            }
        }
        for (off, column) in self.taken_off.iter_mut().zip(0..) {
            *off -= column;
        }
    }

    /// Gives rows their best column and lowers its price to the point where the second best is as good.
    #[inline(always)]
    fn step_prices(&mut self) {
        let unit = 2 * self.held;
        self.waiting.clear();
        self.waiting.extend((0..self.rows as u32).rev());
        for _ in 0..PRICE_STEPS * self.rows {
            let Some(row) = self.waiting.pop() else { return };
            let (best, second) = two_least(self.row(row as usize), &self.taken_off);
            let column = (best & (self.held - 1)).cast_unsigned() as usize;
            let gap = (second & -unit) - (best & -unit);
            let holder = self.row_of[column];
            if holder as usize == self.rows || (holder != NONE && gap == 0) || second >= FAR / 2 {
                continue;
            }
            self.taken_off[column] -= gap;
            self.row_of[column] = row;
            self.column_of[row as usize] = column as u32;
            if holder == NONE {
                self.taken_off[column] -= self.held;
            } else {
                self.column_of[holder as usize] = NONE;
                self.waiting.push(holder);
            }
        }
    }

    /// Dijkstra over reduced costs from a row without a column, then the exchange along the path found.
    #[inline(always)]
    fn augment(&mut self, start: usize) {
        let unit = 2 * self.held;
        self.reach.length.fill(i64::MAX);
        self.scanned.clear();
        self.idle.clear();
        let (mut row, mut offset) = (start, 0);
        let (sink, mut from, length) = loop {
            let costs = &self.costs[row * self.width..(row + 1) * self.width];
            let place = (self.scanned.len() as u64).cast_signed();
            let nearest = relax(costs, &self.taken_off, offset, place, &self.reach, &mut self.next);
            std::mem::swap(&mut self.reach, &mut self.next);
            let column = (nearest & (self.held - 1)).cast_unsigned() as usize;
            let (from, length) = (self.reach.from[column], nearest & -unit);
            if nearest & self.held == 0 {
                break (column, from, length);
            }
            row = self.row_of[column] as usize;
            offset = length - (self.costs[row * self.width + column] - self.price(column));
            let taken_off = self.finish(column);
            self.scanned.push(Scan { row: row as u32, column: column as u32, from, length, taken_off });
            if row == self.rows {
                // All columns of the idle row are as near as this one.
                for other in 0..self.columns {
                    if other != column && self.row_of[other] as usize == row {
                        let taken_off = self.finish(other);
                        self.idle.push((other as u32, taken_off + length));
                    }
                }
            }
        };
        for &Scan { column, taken_off, length: reach, .. } in &self.scanned {
            self.taken_off[column as usize] = taken_off - (length - reach);
        }
        for &(column, taken_off) in &self.idle {
            self.taken_off[column as usize] = taken_off - length;
        }
        self.taken_off[sink] -= self.held;
        let mut column = sink as u32;
        loop {
            // Place 0 is the start, place k the row that was scanned for the k-th time after it.
            let before = (from > 0).then(|| self.scanned[from.cast_unsigned() as usize - 1]);
            let row = before.map_or(start as u32, |scan| scan.row);
            self.row_of[column as usize] = row;
            if let Some(held) = self.column_of.get_mut(row as usize) {
                *held = column;
            }
            let Some(scan) = before else { return };
            (column, from) = (scan.column, scan.from);
        }
    }

    /// Takes a column out of the search; what was taken off there.
    #[inline(always)]
    fn finish(&mut self, column: usize) -> i64 {
        self.reach.length[column] = i64::MAX;
        std::mem::replace(&mut self.taken_off[column], -FAR)
    }
}

impl Reach {
    fn reset(&mut self, width: usize) {
        self.length.resize(width, 0);
        self.from.resize(width, 0);
    }
}

/// Reaches columns from a row; the nearest path.
#[inline(always)]
fn relax(costs: &[i64], taken_off: &[i64], offset: i64, place: i64, before: &Reach, after: &mut Reach) -> i64 {
    let mut nearest = i64::MAX;
    let columns = costs.iter().zip(taken_off).zip(before.length.iter().zip(&before.from));
    for (((&cost, &off), (&length, &from)), (next, from_next)) in
        columns.zip(after.length.iter_mut().zip(&mut after.from))
    {
        let path = cost - off + offset;
        *next = path.min(length);
        *from_next = if path < length { place } else { from };
        nearest = nearest.min(*next);
    }
    nearest
}

/// The two least differences of a row.
#[inline(always)]
fn two_least(costs: &[i64], taken_off: &[i64]) -> (i64, i64) {
    let (mut best, mut second) = ([i64::MAX; LANES], [i64::MAX; LANES]);
    for (costs, off) in costs.as_chunks::<LANES>().0.iter().zip(taken_off.as_chunks::<LANES>().0) {
        for k in 0..LANES {
            let value = costs[k] - off[k];
            second[k] = second[k].min(value.max(best[k]));
            best[k] = value.min(best[k]);
        }
    }
    let merge = |(a, b): (i64, i64), (&c, &d): (&i64, &i64)| (a.min(c), b.min(d).min(a.max(c)));
    best.iter().zip(&second).fold((i64::MAX, i64::MAX), merge)
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Optimum, Sides, Ties};
    use super::*;

    struct Matrix {
        columns: usize,
        costs: Vec<i64>,
    }

    impl Source<i64> for Matrix {
        fn first(&mut self, row: usize, out: &mut Vec<Entry<i64>>) -> i64 {
            self.all(row, out);
            i64::MAX
        }

        fn all(&mut self, row: usize, out: &mut Vec<Entry<i64>>) {
            let start = out.len();
            let costs = &self.costs[row * self.columns..(row + 1) * self.columns];
            out.extend(costs.iter().zip(0..).map(|(&cost, column)| Entry { cost, column }));
            out[start..].sort_by_key(|entry| entry.cost);
        }

        fn whole(&mut self, row: usize, out: &mut Vec<i64>) {
            out.extend_from_slice(&self.costs[row * self.columns..(row + 1) * self.columns]);
        }
    }

    #[test]
    fn gives_the_assignment_that_lists_give() {
        let mut state = 5_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let (mut lists, mut dense) = (Optimum::default(), Optimum::default());
        for round in 0..3000 {
            let rows = 1 + random(20) as usize;
            let columns = rows + [0, 1, random(6) as usize, random(40) as usize][round % 4];
            let range = [1, 2, 4, 1000][round / 4 % 4];
            let slope = [0, 50][round / 16 % 2];
            let costs = (0..rows * columns).map(|k| (random(range) + (k % columns) as u64 * slope).cast_signed() - 1);
            let mut matrix = Matrix { columns, costs: costs.collect() };
            lists.solve_lists(rows, columns, &mut matrix);
            assert!(dense.solve_whole(rows, columns, &mut matrix));
            for flipped in [false, true] {
                let (references, replies) = if flipped { (columns, rows) } else { (rows, columns) };
                let settled = [&mut lists, &mut dense].map(|optimum| {
                    let mut out = vec![NONE; references];
                    Ties::default().settle(optimum, Sides { references, replies, flipped }, &mut out);
                    out
                });
                assert_eq!(settled[0], settled[1], "{rows} x {columns}: {:?}", matrix.costs);
            }
        }
    }
}
