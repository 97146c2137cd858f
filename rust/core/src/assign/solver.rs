//! The Hungarian method on lists sorted by cost: price steps row by row, then shortest augmenting paths.
//!
//! Column prices never rise above zero, so a pair's reduced cost is at least its cost less the row's price: a scan of a sorted
//! list may stop early, and most of a row need never be known.

use std::ops::{Add, Sub};

use super::NONE;

/// An ordered group in which costs are added.
pub(crate) trait Cost: Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> {
    const ZERO: Self;
    /// Above every cost and every sum of costs.
    const MAX: Self;
}

impl Cost for i64 {
    const ZERO: Self = 0;
    const MAX: Self = i64::MAX;
}

/// A column and what it costs a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry<C> {
    pub(crate) cost: C,
    pub(crate) column: u32,
}

/// Where the costs come from.
pub(crate) trait Source<C> {
    /// Appends the first entries of a row, cheapest first; a bound below every cost that was left out, or [`Cost::MAX`].
    fn first(&mut self, row: usize, out: &mut Vec<Entry<C>>) -> C;
    /// Appends all entries of a row that can matter, cheapest first.
    fn all(&mut self, row: usize, out: &mut Vec<Entry<C>>);
    /// Appends the cost of every column of a row.
    fn whole(&mut self, row: usize, out: &mut Vec<C>);
}

/// What is known of a row.
#[derive(Clone, Copy, Debug)]
struct Row<C> {
    start: usize,
    end: usize,
    /// Below every cost that is not listed.
    bound: C,
}

/// A problem, its solution with dual prices, and the memory for both, reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Assigner<C> {
    rows: Vec<Row<C>>,
    entries: Vec<Entry<C>>,
    row_price: Vec<C>,
    column_price: Vec<C>,
    column_of: Vec<u32>,
    row_of: Vec<u32>,
    waiting: Vec<u32>,
    reach: Vec<C>,
    from: Vec<u32>,
    open: Vec<u32>,
    /// Scanned rows that are not listed whole, with what their costs are offset by.
    pending: Vec<(u32, C)>,
    scanned: Vec<u32>,
    done: Vec<bool>,
}

/// Price steps, times the number of rows; the rest is left to augmenting paths.
const PRICE_STEPS: usize = 3;

impl<C: Cost> Assigner<C> {
    /// The column of each row.
    pub(super) fn column_of(&self) -> &[u32] {
        &self.column_of
    }

    /// Dual price of a column: not above zero, and zero where an optimal assignment may leave it alone.
    pub(super) fn column_price(&self, column: usize) -> C {
        self.column_price[column]
    }

    /// Assigns every row its own column at the least sum. There are at least as many columns as rows.
    pub(super) fn solve(&mut self, rows: usize, columns: usize, source: &mut impl Source<C>) {
        self.begin(rows, columns, source);
        self.finish(source);
    }

    /// Lists and price steps, which leave some rows without a column.
    pub(super) fn begin(&mut self, rows: usize, columns: usize, source: &mut impl Source<C>) {
        self.entries.clear();
        self.rows.clear();
        for row in 0..rows {
            let start = self.entries.len();
            let bound = source.first(row, &mut self.entries);
            self.rows.push(Row { start, end: self.entries.len(), bound });
        }
        reset(&mut self.column_of, rows, NONE);
        reset(&mut self.row_price, rows, C::ZERO);
        reset(&mut self.row_of, columns, NONE);
        reset(&mut self.reach, columns, C::ZERO);
        reset(&mut self.from, columns, NONE);
        reset(&mut self.done, columns, false);
        reset(&mut self.column_price, columns, C::ZERO);
        self.step_prices(rows, source);
    }

    pub(super) fn finish(&mut self, source: &mut impl Source<C>) {
        for row in 0..self.rows.len() {
            if self.column_of[row] == NONE {
                self.augment(row, source);
            }
        }
    }

    /// Finds the tight pairs of the solution.
    pub(super) fn find_tight(&mut self, source: &mut impl Source<C>, tight: &mut Vec<(u32, u32)>) {
        for row in 0..self.rows.len() {
            let price = self.row_price[row];
            if self.rows[row].bound < price {
                self.lengthen(row, source);
            }
            let Row { start, end, .. } = self.rows[row];
            for entry in self.entries[start..end].iter().take_while(|entry| entry.cost <= price) {
                if entry.cost == price + self.column_price[entry.column as usize] {
                    tight.push((row as u32, entry.column));
                }
            }
        }
    }

    fn lengthen(&mut self, row: usize, source: &mut impl Source<C>) {
        let start = self.entries.len();
        source.all(row, &mut self.entries);
        self.rows[row] = Row { start, end: self.entries.len(), bound: C::MAX };
    }

    /// Gives rows their best column and lowers its price to the point where the second best is as good.
    fn step_prices(&mut self, rows: usize, source: &mut impl Source<C>) {
        self.waiting.clear();
        self.waiting.extend((0..rows as u32).rev());
        let mut steps = PRICE_STEPS * rows;
        while let Some(row) = self.waiting.pop() {
            if steps == 0 {
                return;
            }
            steps -= 1;
            let (mut best, mut second) = self.two_best(row as usize);
            if self.rows[row as usize].bound < best.cost {
                self.lengthen(row as usize, source);
                (best, second) = self.two_best(row as usize);
            }
            // What is not listed is dearer than the bound.
            let bound = self.rows[row as usize].bound;
            if bound < second.cost {
                second = Entry { cost: bound, column: NONE };
            }
            let strict = second.cost > best.cost && second.cost != C::MAX;
            let mut target = best.column;
            let mut price = best.cost;
            if strict {
                let c = target as usize;
                self.column_price[c] = self.column_price[c] - (second.cost - best.cost);
                price = second.cost;
            } else if second.column != NONE && self.row_of[target as usize] != NONE {
                target = second.column;
            }
            let before = std::mem::replace(&mut self.row_of[target as usize], row);
            self.column_of[row as usize] = target;
            self.row_price[row as usize] = price;
            if before != NONE {
                self.column_of[before as usize] = NONE;
                self.row_price[before as usize] = C::ZERO;
                if strict {
                    self.waiting.push(before);
                }
            }
        }
    }

    /// The two least reduced costs among a row's entries.
    fn two_best(&self, row: usize) -> (Entry<C>, Entry<C>) {
        let none = Entry { cost: C::MAX, column: NONE };
        let (mut best, mut second) = (none, none);
        let Row { start, end, .. } = self.rows[row];
        for &Entry { cost, column } in &self.entries[start..end] {
            if cost >= second.cost {
                break;
            }
            let value = cost - self.column_price[column as usize];
            if value < best.cost {
                second = best;
                best = Entry { cost: value, column };
            } else if value < second.cost {
                second = Entry { cost: value, column };
            }
        }
        (best, second)
    }

    /// Dijkstra over reduced costs from a row without a column, then the exchange along the path found.
    fn augment(&mut self, start: usize, source: &mut impl Source<C>) {
        self.reach.fill(C::MAX);
        self.done.fill(false);
        self.open.clear();
        self.pending.clear();
        self.scanned.clear();
        let mut row = start;
        let mut length = C::ZERO;
        // The least path to a free column so far: what is not below it need not be looked at.
        let mut end = C::MAX;
        let sink = loop {
            let offset = length - self.row_price[row];
            self.reach_from(row, offset, end);
            if self.rows[row].bound != C::MAX {
                self.pending.push((row as u32, offset));
            }
            let mut nearest = self.nearest(&mut end);
            // A row whose unlisted pairs could be nearer still is listed whole.
            while let Some(k) = self.pending_before(nearest.0) {
                let (row, offset) = self.pending.swap_remove(k);
                self.lengthen(row as usize, source);
                self.reach_from(row as usize, offset, end);
                nearest = self.nearest(&mut end);
            }
            debug_assert!(nearest.1 != usize::MAX, "the lists of any k rows hold at least k columns");
            let column = self.open.swap_remove(nearest.1);
            let owner = self.row_of[column as usize];
            if owner == NONE {
                break Entry { cost: nearest.0, column };
            }
            self.scanned.push(column);
            self.done[column as usize] = true;
            length = nearest.0;
            row = owner as usize;
        };
        self.exchange(start, sink);
    }

    /// The nearest open column, a free one of equals, and its place among the open; `end` falls to the nearest free one.
    fn nearest(&self, end: &mut C) -> (C, usize) {
        let mut nearest = (C::MAX, usize::MAX);
        for (k, &column) in self.open.iter().enumerate() {
            let reach = self.reach[column as usize];
            let free = self.row_of[column as usize] == NONE;
            *end = if free && reach < *end { reach } else { *end };
            if reach < nearest.0 || (free && reach == nearest.0) {
                nearest = (reach, k);
            }
        }
        nearest
    }

    /// A scanned row whose unlisted pairs may reach a column by a path below `length`.
    fn pending_before(&self, length: C) -> Option<usize> {
        self.pending
            .iter()
            .position(|&(row, offset)| length == C::MAX || self.rows[row as usize].bound + offset < length)
    }

    /// Reaches columns from a row by paths below `end`. A column that was scanned is never reached again: no path to it is
    /// shorter, but for rounding, which must not close a circle.
    fn reach_from(&mut self, row: usize, offset: C, end: C) {
        let Row { start, end: last, .. } = self.rows[row];
        for &Entry { cost, column } in &self.entries[start..last] {
            if end != C::MAX && cost + offset >= end {
                break;
            }
            let c = column as usize;
            let path = cost - self.column_price[c] + offset;
            let before = self.reach[c];
            let better = path < before && !self.done[c];
            self.reach[c] = if better { path } else { before };
            self.from[c] = if better { row as u32 } else { self.from[c] };
            if before == C::MAX {
                self.open.push(column);
            }
        }
    }

    /// Moves the prices to where the path to the sink is tight, and gives every row on it its next column.
    fn exchange(&mut self, start: usize, sink: Entry<C>) {
        self.row_price[start] = self.row_price[start] + sink.cost;
        for &column in &self.scanned {
            let c = column as usize;
            let gain = sink.cost - self.reach[c];
            let owner = self.row_of[c] as usize;
            self.row_price[owner] = self.row_price[owner] + gain;
            self.column_price[c] = self.column_price[c] - gain;
        }
        let mut column = sink.column;
        loop {
            let row = self.from[column as usize];
            self.row_of[column as usize] = row;
            let before = std::mem::replace(&mut self.column_of[row as usize], column);
            if row as usize == start {
                return;
            }
            column = before;
        }
    }
}

fn reset<T: Clone>(values: &mut Vec<T>, len: usize, value: T) {
    values.clear();
    values.resize(len, value);
}
