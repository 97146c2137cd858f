//! The Hungarian method on a whole matrix, for problems in which many rows want the same columns.
//!
//! The columns that stay alone are held by one idle row, whose costs are all zero and which holds as many as are left over. So
//! the problem is square, column prices are free, and each may start at the column's least cost.
//!
//! Where few rows get a column at those prices, a few rows have set them all, and nearly every path of the search would lead
//! through all rows. Then a part of the rows is solved first, with as large a part of the columns: what the optimal prices of
//! the part say about the other columns is close to what they cost in the end, and paths become short.
//!
//! The loops over a row are written for wide registers. Costs and prices are multiplied by a power of two, and what is taken
//! off a cost is the column's price less its *mark*: its place, and a bit above it while some row holds it. So the least of
//! a row's differences names its column, and of equals a free one is the least.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

mod order;
mod prices;
mod search;

use super::{NONE, Source};
use crate::lanes::{LANES, Lined};
use crate::wide::wide;
use order::number;
use search::Scan;

/// Above every path.
const FAR: i64 = 1 << 62;
/// Costs up to this one, marks included, cannot make a path reach [`FAR`]. Let it be C. When rows and columns are admitted,
/// prices are between -2C and zero (see `admit`). From there they only fall, and a free column's stays, so that no row pays
/// more than 3C: paths are not longer, and no price is below -4C.
const LARGEST: i64 = FAR / 8;
/// The smallest part has about this many rows, and at most twice as many.
const PART: usize = 8;

/// A problem, its solution with dual prices, and the memory for both, reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Dense {
    /// The rows that were admitted are the first so many of `order`, the columns those at the first so many places.
    rows: usize,
    columns: usize,
    order: Vec<u32>,
    /// The column at each place, and the place of each column.
    names: Vec<u32>,
    places: Vec<u32>,
    /// From row to row in `costs`: an odd number of lanes, for rows whose distance is a power of two share cache lines.
    width: usize,
    /// A mark is below `2 * held`; a place is below `held`, the bit of a column that some row holds.
    held: i64,
    /// The number of the idle row, and how many others there are.
    idle: usize,
    /// Row by row; the last row is the idle one.
    costs: Lined<i64>,
    line: Vec<i64>,
    /// Price less mark of each column; while paths are searched, [`FAR`] less for those that are done.
    taken_off: Lined<i64>,
    place_of: Vec<u32>,
    row_of: Vec<u32>,
    column_of: Vec<u32>,
    /// Price of the columns that stay alone.
    level: i64,
    prices: Vec<i64>,
    /// Prices or keys in ascending order.
    sorted: Vec<i64>,
    /// What to add to the costs of a row, to get prices that it would pay.
    offsets: Vec<(u32, i64)>,
    waiting: Vec<u32>,
    /// Nearest path to each column, without its price, less the offset of the row scanned last.
    reach: Lined<i64>,
    scanned: Vec<Scan>,
}

impl Dense {
    /// The column of each row.
    pub(super) fn column_of(&self) -> &[u32] {
        &self.column_of
    }

    /// Dual price of a column: not above zero, and zero where an optimal assignment may leave it alone.
    pub(super) fn column_price(&self, column: usize) -> i64 {
        (self.price(self.places[column] as usize) - self.level) / self.unit()
    }

    /// The pairs (row, column) of which every optimal assignment is made.
    pub(super) fn find_tight(&self, tight: &mut Vec<(u32, u32)>) {
        wide(
            #[inline(always)]
            || {
                for (row, &place) in (0..self.idle as u32).zip(&self.place_of) {
                    let costs = self.row(row as usize);
                    let level = costs[place as usize] - self.price(place as usize);
                    let beyond = level + self.unit();
                    // A mark is less than one unit of cost.
                    let less = |(cost, off): (&i64, &i64)| cost - off < beyond;
                    if costs.iter().zip(&*self.taken_off).map(|pair| i64::from(less(pair))).sum::<i64>() == 1 {
                        tight.push((row, self.names[place as usize]));
                        continue;
                    }
                    let columns = costs.iter().zip(&*self.taken_off).zip(&self.names);
                    tight.extend(columns.filter(|&(pair, _)| less(pair)).map(|(_, &column)| (row, column)));
                }
            },
        );
    }

    /// Assigns every row its own column at the least sum; false, and nothing done, where costs are too large. There are at
    /// least as many columns as rows, and costs are not below -1.
    ///
    /// The whole is tried first, and parts where more than half of the rows find no column at the prices it starts with.
    pub(super) fn solve(&mut self, rows: usize, columns: usize, source: &mut impl Source<i64>) -> bool {
        let open = columns.next_multiple_of(LANES);
        self.width = ((open / LANES) | 1) * LANES;
        self.held = (open.next_power_of_two() as u64).cast_signed();
        self.idle = rows;
        wide(
            #[inline(always)]
            || {
                if !self.fill(columns, source) {
                    return false;
                }
                self.forget();
                number(rows, 1, &mut self.order);
                number(columns, 1, &mut self.names);
                let (mut parts, mut whole_first) = (1, rows >= 3 * PART);
                loop {
                    let part = (columns / parts).next_multiple_of(LANES).min(columns);
                    self.admit(rows * part / columns, part);
                    self.step_prices(if whole_first { 2 } else { 1 });
                    let left = self.place_of.iter().filter(|place| **place == NONE).count();
                    if whole_first && left > rows / 2 {
                        self.forget();
                        self.scatter();
                        parts = 1 << (rows / PART).ilog2();
                    } else {
                        self.augment_all();
                        if parts == 1 {
                            break;
                        }
                        parts /= 2;
                    }
                    whole_first = false;
                }
                self.conclude();
                true
            },
        )
    }

    /// Reads the costs; false where one is too large.
    #[inline(always)]
    fn fill(&mut self, columns: usize, source: &mut impl Source<i64>) -> bool {
        let (unit, shift) = (self.unit(), self.unit().trailing_zeros());
        self.costs.resize((self.idle + 1) * self.width);
        for row in 0..self.idle {
            self.line.clear();
            source.whole(row, &mut self.line);
            debug_assert!(self.line.iter().all(|cost| *cost >= -1), "negative costs");
            if self.line.iter().fold(0, |largest, &cost| largest.max(cost)) > LARGEST / unit {
                return false;
            }
            let (costs, rest) = self.costs[row * self.width..][..self.width].split_at_mut(columns);
            for (cost, whole) in costs.iter_mut().zip(&self.line) {
                *cost = whole << shift;
            }
            rest.fill(FAR);
        }
        let (costs, rest) = self.costs[self.idle * self.width..].split_at_mut(columns);
        costs.fill(0);
        rest.fill(FAR);
        true
    }

    /// As if no row had been admitted.
    #[inline(always)]
    fn forget(&mut self) {
        (self.rows, self.columns) = (0, 0);
        self.place_of.clear();
        self.place_of.resize(self.idle, NONE);
        self.row_of.clear();
        self.row_of.resize(self.width, NONE);
    }

    /// Reads the solution off the places.
    #[inline(always)]
    fn conclude(&mut self) {
        let idle = self.row_of.iter().position(|&row| row as usize == self.idle);
        self.level = idle.map_or(0, |place| self.price(place));
        self.column_of.clear();
        self.column_of.extend(self.place_of.iter().map(|&place| self.names[place as usize]));
        self.places.resize(self.names.len(), 0);
        for (place, &column) in (0..).zip(&self.names) {
            self.places[column as usize] = place;
        }
    }

    /// What costs and prices are multiplied by.
    #[inline(always)]
    fn unit(&self) -> i64 {
        2 * self.held
    }

    /// A row's costs in the columns that were admitted.
    #[inline(always)]
    fn row(&self, row: usize) -> &[i64] {
        &self.costs[row * self.width..][..self.taken_off.len()]
    }

    /// The price of the column at a place, times the unit of cost.
    #[inline(always)]
    fn price(&self, place: usize) -> i64 {
        self.taken_off[place] + mark(self.row_of[place], (place as u64).cast_signed(), self.held)
    }
}

/// The mark of the column at a place that `row` holds, or no row.
#[inline(always)]
fn mark(row: u32, place: i64, held: i64) -> i64 {
    place + if row == NONE { 0 } else { held }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Matrix;
    use super::super::{Optimum, Sides, Ties};
    use super::*;
    use crate::testing::Random;

    /// Whether both ways find the same assignments, and the prices of the whole matrix prove them.
    fn compare(lists: &mut Optimum, whole: &mut Optimum, rows: usize, matrix: &mut Matrix) {
        let columns = matrix.columns;
        lists.solve_lists(rows, columns, matrix);
        assert!(whole.solve_whole(rows, columns, matrix));
        for flipped in [false, true] {
            let (references, replies) = if flipped { (columns, rows) } else { (rows, columns) };
            let settled = [&mut *lists, &mut *whole].map(|optimum| {
                let mut out = vec![NONE; references];
                Ties::default().settle(optimum, Sides { references, replies, flipped }, &mut out);
                out
            });
            assert_eq!(settled[0], settled[1], "{rows} x {columns}: {:?}", matrix.costs);
        }
        for (costs, &held) in matrix.costs.chunks(columns).zip(whole.column_of()) {
            let rest = |column: usize| costs[column] - whole.column_price(column);
            assert!((0..columns).all(|column| rest(column) >= rest(held as usize)), "{:?}", matrix.costs);
        }
        let alone = |column: &usize| !whole.column_of().contains(&(*column as u32));
        assert!((0..columns).all(|column| columns == rows || whole.column_price(column) <= 0));
        assert!((0..columns).filter(alone).all(|column| whole.column_price(column) == 0));
    }

    #[test]
    fn gives_the_assignment_that_lists_give() {
        let mut random = Random(5);
        let (mut lists, mut whole) = (Optimum::default(), Optimum::default());
        for round in 0..3000 {
            let rows = 1 + random.below(20) as usize;
            let columns = rows + [0, 1, random.below(6) as usize, random.below(40) as usize][round % 4];
            let range = [1, 2, 4, 1000][round / 4 % 4];
            let slope = [0, 50][round / 16 % 2];
            let costs =
                (0..rows * columns).map(|k| (random.below(range) + (k % columns) as u64 * slope).cast_signed() - 1);
            let mut matrix = Matrix { columns, costs: costs.collect() };
            compare(&mut lists, &mut whole, rows, &mut matrix);
        }
    }

    /// What a row and a column cost, and a little that is the product of one number of each, or of two, or of few such.
    fn nearly_sums(rows: usize, columns: usize, round: usize, random: &mut Random) -> Vec<i64> {
        let range = [1000, 1_000_000, 4, 2][round % 4];
        let [x, z, a] = [range, [1, 1, 100][round % 3], 1 << 20].map(|bound| random.list(rows, bound));
        let [y, w, b] = [range, 100, [1 << 20, 2][round / 2 % 2]].map(|bound| random.list(columns, bound));
        let cost = |i: usize, j: usize| a[i] + b[j] + x[i] * y[j] + z[i] * w[j];
        (0..rows * columns).map(|k| cost(k / columns, k % columns)).collect()
    }

    #[test]
    fn gives_the_assignment_that_lists_give_where_costs_are_nearly_sums() {
        let mut random = Random(6);
        let (mut lists, mut whole) = (Optimum::default(), Optimum::default());
        let mut scattered = 0;
        for round in 0..400 {
            let rows = 20 + random.below(50) as usize;
            let columns = rows + [0, 1, random.below(9) as usize, random.below(200) as usize][round / 8 % 4];
            let costs = nearly_sums(rows, columns, round, &mut random);
            compare(&mut lists, &mut whole, rows, &mut Matrix { columns, costs });
            scattered += usize::from(!whole.dense.names.is_sorted());
        }
        assert!((100..350).contains(&scattered), "{scattered} of 400 in parts");
    }

    #[test]
    fn the_largest_costs_do_not_overflow_and_larger_ones_are_left_to_lists() {
        let mut random = Random(7);
        let (mut lists, mut whole) = (Optimum::default(), Optimum::default());
        for round in 0..60 {
            let rows = 24 + random.below(40) as usize;
            let columns = rows + [0, 1, 40][round % 3];
            let mut costs = nearly_sums(rows, columns, round, &mut random);
            if round % 2 == 0 {
                costs = random.list(rows * columns, 2);
            }
            let unit = 2 * (columns.next_multiple_of(LANES).next_power_of_two() as u64).cast_signed();
            let most = costs.iter().copied().max().unwrap();
            let factor = LARGEST / unit / most;
            let mut matrix = Matrix { columns, costs: costs.iter().map(|cost| cost * factor).collect() };
            compare(&mut lists, &mut whole, rows, &mut matrix);
            matrix.costs = costs.iter().map(|cost| cost * factor * 2).collect();
            let before = whole.column_of().to_vec();
            assert!(!whole.solve_whole(rows, columns, &mut matrix));
            whole.solve_lists(rows, columns, &mut matrix);
            let sum = |held: &[u32]| {
                held.iter().enumerate().map(|(i, &j)| matrix.costs[i * columns + j as usize]).sum::<i64>()
            };
            assert_eq!(sum(whole.column_of()), sum(&before));
        }
    }
}
