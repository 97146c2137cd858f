//! The assignment solver by itself, so that tests and benches can hold it against other solvers.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use videostr_core::assign::{Solver, first_unfit};

use crate::door;

/// For each row of `cost` (n, m) its column, -1 where unmatched: the most pairs first, then the least sum. Inf forbids a pair.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // PyO3 hands array arguments over by value
pub(crate) fn assign<'py>(py: Python<'py>, cost: PyReadonlyArray2<'py, f64>) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let view = cost.as_array();
    let (rows, cols) = view.dim();
    let flat: Vec<f64> = view.iter().copied().collect();
    if let Some(at) = flat.iter().position(|cost| cost.is_nan() || *cost == f64::NEG_INFINITY) {
        let (row, col) = (at / cols, at % cols);
        return Err(PyValueError::new_err(format!("cost[{row}, {col}] is {}: expected a number or inf", flat[at])));
    }
    let columns = door::enter(py, || videostr_core::assign::assign_costs(&flat, rows, cols))?;
    Ok(PyArray1::from_vec(py, columns))
}

/// So many costs are looked at before they are used: as many as stay in the cache.
const LOOKED_AT: usize = 2048;

/// The scorer's own assignment of each of the matrices `costs` (B, n, m), numbers from 0 to 1024, one after the other in one
/// call: (B, n), -1 where unmatched. Costs count in steps of 2^-32, as in scoring.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn assign_batch<'py>(
    py: Python<'py>,
    costs: PyReadonlyArray3<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<i64>>> {
    let view = costs.as_array();
    let (count, rows, cols) = view.dim();
    let mut columns = vec![-1; count * rows];
    if !view.is_empty() {
        let flat = view.as_slice().ok_or_else(|| PyValueError::new_err("costs is not C-contiguous"))?;
        let size = rows * cols;
        let together = (LOOKED_AT / size).max(1);
        let wrong = door::enter(py, || {
            let mut solver = Solver::default();
            let some = flat.chunks(together * size).zip(columns.chunks_mut(together * rows));
            for (place, (matrices, columns)) in some.enumerate() {
                if let Some(at) = first_unfit(matrices) {
                    return Some(place * together * size + at);
                }
                for (matrix, columns) in matrices.chunks_exact(size).zip(columns.chunks_exact_mut(rows)) {
                    solver.assign(matrix, cols, columns);
                }
            }
            None
        })?;
        if let Some(at) = wrong {
            let (index, row, col, cost) = (at / size, at % size / cols, at % cols, flat[at]);
            let message = format!("costs[{index}, {row}, {col}] is {cost}: expected a number from 0 to 1024");
            return Err(PyValueError::new_err(message));
        }
    }
    PyArray1::from_vec(py, columns).reshape([count, rows])
}
