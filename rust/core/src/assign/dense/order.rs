//! An order of rows and columns in which the first of each stand for all.

use super::Dense;

impl Dense {
    /// Numbers rows and columns anew, so that any part of each from the first on is spread over all: over the order in which
    /// the two columns, or rows, that differ most tell them apart, and over the numbers of those that they do not.
    #[inline(always)]
    pub(super) fn scatter(&mut self) {
        let columns = self.names.len();
        number(self.idle, near_golden(self.idle), &mut self.order);
        number(columns, near_golden(columns), &mut self.names);
        let (mut low, mut high) = (0, self.idle - 1);
        for _ in 0..2 {
            let (left, right) = self.key_columns(low, high);
            (low, high) = self.key_rows(left, right);
        }
        spread(&mut self.sorted, self.held, &mut self.order, &mut self.waiting);
        self.key_columns(low, high);
        spread(&mut self.sorted, self.held, &mut self.names, &mut self.waiting);
        for row in self.costs.chunks_exact_mut(self.width).take(self.idle) {
            self.line.clear();
            self.line.extend_from_slice(&row[..columns]);
            let line = self.line.as_slice();
            for (cost, &column) in row.iter_mut().zip(&self.names) {
                *cost = line[column as usize];
            }
        }
    }

    /// By how much each column costs more in one row than in another, marked with its place; the least and the most such one.
    #[inline(always)]
    fn key_columns(&mut self, low: usize, high: usize) -> (usize, usize) {
        let (low, high) = (&self.costs[low * self.width..], &self.costs[high * self.width..]);
        let key = |column: usize| low[column] - high[column];
        self.sorted.clear();
        self.sorted.extend(self.names.iter().zip(0..).map(|(&column, place)| key(column as usize) + place));
        extremes(&self.sorted, self.held, &self.names)
    }

    #[inline(always)]
    fn key_rows(&mut self, left: usize, right: usize) -> (usize, usize) {
        let key = |row: usize| self.costs[row * self.width + left] - self.costs[row * self.width + right];
        self.sorted.clear();
        self.sorted.extend(self.order.iter().zip(0..).map(|(&row, place)| key(row as usize) + place));
        extremes(&self.sorted, self.held, &self.order)
    }
}

/// The numbers below `count`, by steps that have no divisor in common with it.
pub(super) fn number(count: usize, step: usize, out: &mut Vec<u32>) {
    out.clear();
    let mut next = 0;
    out.extend((0..count).map(|_| {
        let number = next as u32;
        next += step;
        next -= if next >= count { count } else { 0 };
        number
    }));
}

/// A step near the golden section: any number of them in a row is spread evenly.
fn near_golden(count: usize) -> usize {
    let coprime = |step: &usize| {
        let (mut a, mut b) = (count, *step);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    (count * 89 / 144..count).find(coprime).unwrap_or(1)
}

#[inline(always)]
fn extremes(keys: &[i64], held: i64, names: &[u32]) -> (usize, usize) {
    let (least, most) = keys.iter().fold((i64::MAX, i64::MIN), |(least, most), &key| (least.min(key), most.max(key)));
    (named(least, held, names) as usize, named(most, held, names) as usize)
}

/// The name at the place that a key is marked with.
#[inline(always)]
fn named(key: i64, held: i64, names: &[u32]) -> u32 {
    names[(key & (held - 1)).cast_unsigned() as usize]
}

/// Sorts the names, which are numbered by steps, by their keys, and goes through them by the same steps.
#[inline(always)]
fn spread(keys: &mut [i64], held: i64, names: &mut Vec<u32>, spare: &mut Vec<u32>) {
    keys.sort_unstable();
    spare.clear();
    spare.extend(names.iter().map(|&k| named(keys[k as usize], held, names)));
    std::mem::swap(names, spare);
}
