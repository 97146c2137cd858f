//! What the tests of the solvers share.

use super::{Entry, Rows, Source};

/// A matrix of whole numbers.
pub(super) struct Matrix {
    pub(super) columns: usize,
    pub(super) costs: Vec<i64>,
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

impl Rows for Matrix {
    type Row = usize;

    fn row(&self, row: usize) -> usize {
        row
    }

    fn costs<const WITHIN: bool>(&self, &row: &usize, first: usize, unit: f64) -> [f64; 8] {
        let costs = &self.costs[row * self.columns..][..self.columns];
        std::array::from_fn(|k| costs.get(first + k).map_or(0.0, |&cost| cost as f64 * unit))
    }
}
