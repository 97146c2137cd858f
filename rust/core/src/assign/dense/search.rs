//! Shortest paths from rows without a column.

use super::{Dense, FAR};
use crate::assign::NONE;

/// A row that was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    row: u32,
    /// The place of the column that the row holds and by which it was reached; none where the search began.
    place: u32,
    /// The path to that column, and what to add to the row's costs to get paths, prices not yet taken off.
    length: i64,
    offset: i64,
}

impl Dense {
    /// Finds a column for every row that was admitted.
    #[inline(always)]
    pub(super) fn augment_all(&mut self) {
        for k in 0..self.rows {
            let row = self.order[k];
            if self.place_of[row as usize] == NONE {
                self.augment(row);
            }
        }
    }

    /// Dijkstra over reduced costs from a row without a column, then the exchange along the path found.
    #[inline(always)]
    fn augment(&mut self, start: u32) {
        self.reach.fill(FAR);
        self.scanned.clear();
        let mut scan = Scan { row: start, place: NONE, length: 0, offset: 0 };
        let mut before = 0;
        let (sink, length) = loop {
            self.scanned.push(scan);
            let costs = &self.costs[scan.row as usize * self.width..][..self.taken_off.len()];
            let nearest = relax(costs, &self.taken_off, before - scan.offset, &mut self.reach) + scan.offset;
            let place = (nearest & (self.held - 1)).cast_unsigned() as usize;
            let length = nearest & -self.unit();
            debug_assert!(length.abs() < FAR / 2, "a path as long as no path");
            if nearest & self.held == 0 {
                break (place, length);
            }
            before = scan.offset;
            let row = self.row_of[place];
            let offset = length - (self.row(row as usize)[place] - self.price(place));
            scan = Scan { row, place: place as u32, length, offset };
            self.lower(scan, FAR);
        };
        for k in 1..self.scanned.len() {
            self.lower(self.scanned[k], length - self.scanned[k].length - FAR);
        }
        self.taken_off[sink] -= self.held;
        self.exchange(sink as u32, scan.offset);
    }

    /// Lowers the price of the column that a row holds; of all that the idle row holds, for they are all as near.
    #[inline(always)]
    fn lower(&mut self, scan: Scan, by: i64) {
        if scan.row as usize != self.idle {
            self.taken_off[scan.place as usize] -= by;
            return;
        }
        for (off, &row) in self.taken_off.iter_mut().zip(&self.row_of) {
            *off -= if row as usize == self.idle { by } else { 0 };
        }
    }

    /// Gives every row on the path to `sink` its next column. `last` is the offset of the row scanned last.
    #[inline(always)]
    fn exchange(&mut self, sink: u32, last: i64) {
        let mut place = sink;
        while place != NONE {
            let at = place as usize;
            let reach = self.reach[at] + last;
            // The first row that reaches a column by its shortest path was scanned before the column's own.
            let reaches = |scan: &&Scan| self.costs[scan.row as usize * self.width + at] + scan.offset == reach;
            let &scan = self.scanned.iter().find(reaches).expect("a scanned row reaches every column on the path");
            self.row_of[at] = scan.row;
            if let Some(held) = self.place_of.get_mut(scan.row as usize) {
                *held = place;
            }
            place = scan.place;
        }
    }
}

/// Reaches columns from a row, after reaches were moved by `shift`; the nearest path.
///
/// Reaches are moved, not costs: a loop that may write back what it has read is compiled to masked stores, which are slow.
#[inline(always)]
fn relax(costs: &[i64], taken_off: &[i64], shift: i64, reach: &mut [i64]) -> i64 {
    let mut nearest = i64::MAX;
    for ((&cost, &off), reach) in costs.iter().zip(taken_off).zip(reach) {
        *reach = cost.min(*reach + shift);
        nearest = nearest.min(*reach - off);
    }
    nearest
}
