//! Prices to start from.

use super::{Dense, FAR, mark};
use crate::assign::NONE;
use crate::lanes::LANES;

impl Dense {
    /// Lets the first `rows` rows and `columns` columns take part, those that did keep what they hold.
    ///
    /// All columns that took part are held, and a row or the idle one that holds a column finds no other better: so their
    /// prices are within C of each other, and within 2C the new ones are of all.
    #[inline(always)]
    pub(super) fn admit(&mut self, rows: usize, columns: usize) {
        self.find_prices(rows, columns);
        (self.rows, self.columns) = (rows, columns);
        if columns > rows {
            self.settle_idle();
        }
        let most = self.prices.iter().fold(i64::MIN, |most, &price| most.max(price));
        self.taken_off.resize(columns.next_multiple_of(LANES));
        let (held, columns_held) = (self.held, self.prices.iter().zip(&self.row_of).zip(0..));
        for (off, ((price, &row), place)) in self.taken_off.iter_mut().zip(columns_held) {
            *off = price - most - mark(row, place, held);
        }
        self.taken_off[columns..].fill(0);
        self.reach.resize(self.taken_off.len());
    }

    /// Each new column at the most that a row which takes part would pay for it; at its least cost where none does yet.
    #[inline(always)]
    fn find_prices(&mut self, rows: usize, columns: usize) {
        self.offsets.clear();
        if self.rows == 0 {
            self.offsets.extend(self.order[..rows].iter().map(|&row| (row, 0)));
        }
        for &row in &self.order[..self.rows] {
            let place = self.place_of[row as usize] as usize;
            self.offsets.push((row, self.price(place) - self.row(row as usize)[place]));
        }
        self.prices.clear();
        let (held, columns_held) = (self.held, self.taken_off.iter().zip(&self.row_of).zip(0..));
        self.prices.extend(columns_held.take(self.columns).map(|((off, &row), place)| off + mark(row, place, held)));
        for first in (self.columns..columns).step_by(LANES) {
            let mut least = [FAR; LANES];
            for &(row, offset) in &self.offsets {
                let costs = &self.costs[row as usize * self.width + first..][..LANES];
                for (least, &cost) in least.iter_mut().zip(costs) {
                    *least = (cost + offset).min(*least);
                }
            }
            self.prices.extend_from_slice(&least);
        }
        self.prices.truncate(columns);
    }

    /// Lowers prices so far that the idle row is content with as many columns as it has to hold, and gives it those, the last
    /// ones and such that no row holds before others.
    #[inline(always)]
    fn settle_idle(&mut self) {
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.prices);
        let (_, &mut level, _) = self.sorted.select_nth_unstable(self.rows);
        for place in 0..self.columns {
            if self.row_of[place] as usize == self.idle || self.prices[place] > level {
                self.release(place);
                self.prices[place] = level.min(self.prices[place]);
            }
        }
        let mut wanted = self.columns - self.rows;
        for from_rows in [false, true] {
            for place in (0..self.columns).rev() {
                let holder = self.row_of[place];
                let given = holder == NONE || from_rows && holder as usize != self.idle;
                if wanted > 0 && given && self.prices[place] == level {
                    self.release(place);
                    self.row_of[place] = self.idle as u32;
                    wanted -= 1;
                }
            }
        }
    }

    #[inline(always)]
    fn release(&mut self, place: usize) {
        let holder = std::mem::replace(&mut self.row_of[place], NONE);
        if let Some(held) = self.place_of.get_mut(holder as usize) {
            *held = NONE;
        }
    }

    /// Gives rows their best column and lowers its price to the point where the second best is as good; for each row
    /// without a column `times` times.
    #[inline(always)]
    pub(super) fn step_prices(&mut self, times: usize) {
        let unit = self.unit();
        self.waiting.clear();
        let free = |row: &&u32| self.place_of[**row as usize] == NONE;
        self.waiting.extend(self.order[..self.rows].iter().rev().filter(free));
        for _ in 0..times * self.waiting.len() {
            let Some(row) = self.waiting.pop() else { return };
            let (best, second) = two_least(self.row(row as usize), &self.taken_off);
            let place = (best & (self.held - 1)).cast_unsigned() as usize;
            let gap = (second & -unit) - (best & -unit);
            let holder = self.row_of[place];
            if holder as usize == self.idle || (holder != NONE && gap == 0) || second >= FAR / 2 {
                continue;
            }
            self.taken_off[place] -= gap;
            self.row_of[place] = row;
            self.place_of[row as usize] = place as u32;
            if holder == NONE {
                self.taken_off[place] -= self.held;
            } else {
                self.place_of[holder as usize] = NONE;
                self.waiting.push(holder);
            }
        }
    }
}

/// The two least differences of a row; all are different, by their marks.
#[inline(always)]
fn two_least(costs: &[i64], taken_off: &[i64]) -> (i64, i64) {
    let (mut best, mut second) = (i64::MAX, i64::MAX);
    for (&cost, &off) in costs.iter().zip(taken_off) {
        best = best.min(cost - off);
    }
    for (&cost, &off) in costs.iter().zip(taken_off) {
        let value = cost - off;
        second = second.min(if value == best { i64::MAX } else { value });
    }
    (best, second)
}
