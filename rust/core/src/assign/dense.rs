//! The Hungarian method on a whole matrix, for problems in which many rows want the same columns.
//!
//! The columns that stay alone are held by one idle row, whose costs are all zero and which holds as many as are left over. So
//! the problem is square, column prices are free, and each may start at the column's least cost.

use super::solver::Cost;
use super::{NONE, Source};

/// Price steps, times the number of rows.
const PRICE_STEPS: usize = 2;

/// A problem, its solution with dual prices, and the memory for both, reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Dense<C> {
    rows: usize,
    columns: usize,
    /// Row by row; the last row is the idle one.
    costs: Vec<C>,
    price: Vec<C>,
    column_of: Vec<u32>,
    row_of: Vec<u32>,
    reach: Vec<C>,
    from: Vec<u32>,
    done: Vec<bool>,
    waiting: Vec<u32>,
    sorted: Vec<C>,
    wanted: Vec<bool>,
    /// The problem's own number of each column.
    kept: Vec<u32>,
}

impl<C: Cost> Dense<C> {
    /// Writes the solution: the column of each row, and dual prices of the columns, not above zero, and zero where an optimal
    /// assignment may leave a column alone.
    pub(super) fn write(&self, column_of: &mut [u32], column_price: &mut [C]) {
        for (to, &column) in column_of.iter_mut().zip(&self.column_of) {
            *to = self.kept[column as usize];
        }
        column_price.fill(C::ZERO);
        for (&column, &price) in self.kept.iter().zip(&self.price) {
            column_price[column as usize] = price;
        }
    }

    /// The pairs (row, column) of which every optimal assignment is made.
    pub(super) fn find_tight(&self, tight: &mut Vec<(u32, u32)>) {
        for (row, &column) in (0..self.rows as u32).zip(&self.column_of) {
            let costs = self.row(row as usize);
            let price = costs[column as usize] - self.price[column as usize];
            let columns = costs.iter().zip(&self.price).zip(&self.kept);
            tight.extend(columns.filter(|&((&cost, &p), _)| cost - p == price).map(|(_, &column)| (row, column)));
        }
    }

    /// Assigns every row its own column at the least sum. There are at least as many columns as rows.
    pub(super) fn solve(&mut self, rows: usize, columns: usize, source: &mut impl Source<C>) {
        (self.rows, self.columns) = (rows, columns);
        self.costs.clear();
        for row in 0..rows {
            source.whole(row, &mut self.costs);
        }
        self.keep_wanted();
        self.costs.resize((rows + 1) * self.columns, C::ZERO);
        self.first_prices();
        self.column_of.clear();
        self.column_of.resize(rows, NONE);
        self.step_prices();
        for row in 0..rows {
            if self.column_of[row] == NONE {
                self.augment(row);
            }
        }
        if let Some(idle) = self.row_of.iter().position(|&row| row as usize == rows) {
            let level = self.price[idle];
            for price in &mut self.price {
                *price = *price - level;
            }
        }
    }

    fn row(&self, row: usize) -> &[C] {
        &self.costs[row * self.columns..(row + 1) * self.columns]
    }

    /// Leaves out columns that no row wants: a row needs no more than the cheapest, as many as there are rows, of equals the
    /// first. One that is always alone stays.
    fn keep_wanted(&mut self) {
        let (rows, columns) = (self.rows, self.columns);
        self.kept.clear();
        self.kept.extend(0..columns as u32);
        if columns <= rows + 1 {
            return;
        }
        self.wanted.clear();
        self.wanted.resize(columns, false);
        for costs in self.costs.chunks_exact(columns) {
            self.sorted.clear();
            self.sorted.extend_from_slice(costs);
            let (_, &mut dearest, _) = self.sorted.select_nth_unstable_by(rows - 1, order);
            let mut equals = rows - self.sorted[..rows].iter().filter(|cost| **cost < dearest).count();
            for (wanted, &cost) in self.wanted.iter_mut().zip(costs) {
                let last = cost == dearest && equals > 0;
                equals -= usize::from(last);
                *wanted |= last || cost < dearest;
            }
        }
        if let Some(alone) = self.wanted.iter().position(|wanted| !wanted) {
            self.wanted[alone] = true;
        }
        let wanted = &self.wanted;
        self.kept.retain(|&column| wanted[column as usize]);
        let mut at = 0;
        for row in 0..rows {
            for &column in &self.kept {
                self.costs[at] = self.costs[row * columns + column as usize];
                at += 1;
            }
        }
        self.costs.truncate(at);
        self.columns = self.kept.len();
    }

    /// Each column at its least cost, but so that the idle row is content with as many as it has to hold.
    fn first_prices(&mut self) {
        let (rows, columns) = (self.rows, self.columns);
        self.price.clear();
        self.price.extend_from_slice(&self.costs[..columns]);
        for row in 1..rows {
            for (price, &cost) in self.price.iter_mut().zip(&self.costs[row * columns..(row + 1) * columns]) {
                *price = if cost < *price { cost } else { *price };
            }
        }
        self.row_of.clear();
        self.row_of.resize(columns, NONE);
        if columns == rows {
            return;
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.price);
        let (_, &mut level, _) = self.sorted.select_nth_unstable_by(rows, order);
        let mut idle = columns - rows;
        for (price, holder) in self.price.iter_mut().zip(&mut self.row_of).rev() {
            if *price >= level {
                *price = level;
                if idle > 0 {
                    idle -= 1;
                    *holder = rows as u32;
                }
            }
        }
    }

    /// Gives rows their best column and lowers its price to the point where the second best is as good.
    fn step_prices(&mut self) {
        self.waiting.clear();
        self.waiting.extend((0..self.rows as u32).rev());
        let mut steps = PRICE_STEPS * self.rows;
        while let Some(row) = self.waiting.pop() {
            if steps == 0 {
                return;
            }
            steps -= 1;
            let (mut best, mut second, mut target) = (C::MAX, C::MAX, 0);
            for (column, (&cost, &price)) in self.row(row as usize).iter().zip(&self.price).enumerate() {
                let value = cost - price;
                if value < second {
                    if value < best {
                        second = best;
                        best = value;
                        target = column;
                    } else {
                        second = value;
                    }
                }
            }
            let holder = self.row_of[target];
            if holder as usize == self.rows || (holder != NONE && second == best) || second == C::MAX {
                continue;
            }
            self.price[target] = self.price[target] - (second - best);
            self.row_of[target] = row;
            self.column_of[row as usize] = target as u32;
            if holder != NONE {
                self.column_of[holder as usize] = NONE;
                self.waiting.push(holder);
            }
        }
    }

    /// Dijkstra over reduced costs from a row without a column, then the exchange along the path found.
    fn augment(&mut self, start: usize) {
        let (rows, columns) = (self.rows, self.columns);
        self.reach.clear();
        self.reach.resize(columns, C::MAX);
        self.from.clear();
        self.from.resize(columns, NONE);
        self.done.clear();
        self.done.resize(columns, false);
        let (mut row, mut offset) = (start, C::ZERO);
        let mut idle_at = NONE;
        let (sink, length) = loop {
            let (column, length) = self.relax(row, offset);
            self.done[column] = true;
            let holder = self.row_of[column];
            if holder == NONE {
                break (column, length);
            }
            row = holder as usize;
            if row == rows {
                // All columns of the idle row are as near as this one.
                idle_at = column as u32;
                for c in 0..columns {
                    if self.row_of[c] as usize == rows {
                        self.done[c] = true;
                        self.reach[c] = length;
                    }
                }
            }
            offset = length - (self.costs[row * columns + column] - self.price[column]);
        };
        for ((price, &reach), &done) in self.price.iter_mut().zip(&self.reach).zip(&self.done) {
            if done {
                *price = *price - (length - reach);
            }
        }
        let mut column = sink as u32;
        loop {
            let row = self.from[column as usize];
            self.row_of[column as usize] = row;
            column = if row as usize == rows {
                idle_at
            } else {
                let before = std::mem::replace(&mut self.column_of[row as usize], column);
                if row as usize == start {
                    return;
                }
                before
            };
        }
    }

    /// Reaches columns from a row; the nearest that is not done, a free one of equals.
    fn relax(&mut self, row: usize, offset: C) -> (usize, C) {
        let costs = &self.costs[row * self.columns..(row + 1) * self.columns];
        let mut nearest = C::MAX;
        let columns = costs.iter().zip(&self.price).zip(&self.done).zip(self.reach.iter_mut().zip(&mut self.from));
        for (((&cost, &price), &done), (reach, from)) in columns {
            let path = cost - price + offset;
            let better = !done && path < *reach;
            *reach = if better { path } else { *reach };
            *from = if better { row as u32 } else { *from };
            let near = !done && *reach < nearest;
            nearest = if near { *reach } else { nearest };
        }
        let mut first = NONE as usize;
        for (column, (&reach, &done)) in self.reach.iter().zip(&self.done).enumerate() {
            if !done && reach == nearest {
                if self.row_of[column] == NONE {
                    return (column, nearest);
                }
                first = first.min(column);
            }
        }
        (first, nearest)
    }
}

fn order<C: Cost>(a: &C, b: &C) -> std::cmp::Ordering {
    a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, solver::Assigner};
    use super::super::{NONE, Sides, Ties};
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
        let (mut lists, mut dense) = (Assigner::default(), Assigner::default());
        for round in 0..3000 {
            let rows = 1 + random(20) as usize;
            let columns = rows + [0, 1, random(6) as usize, random(40) as usize][round % 4];
            let range = [1, 2, 4, 1000][round / 4 % 4];
            let slope = [0, 50][round / 16 % 2];
            let costs = (0..rows * columns).map(|k| (random(range) + (k % columns) as u64 * slope).cast_signed() - 1);
            let mut matrix = Matrix { columns, costs: costs.collect() };
            lists.begin(rows, columns, &mut matrix);
            lists.finish(&mut matrix);
            dense.solve_whole(rows, columns, &mut matrix);
            for flipped in [false, true] {
                let (references, replies) = if flipped { (columns, rows) } else { (rows, columns) };
                let settled = [&mut lists, &mut dense].map(|assigner| {
                    assigner.find_tight(&mut matrix);
                    let mut out = vec![NONE; references];
                    Ties::default().settle(assigner, Sides { references, replies, flipped }, &mut out);
                    out
                });
                assert_eq!(settled[0], settled[1], "{rows} x {columns}: {:?}", matrix.costs);
            }
        }
    }
}
