//! Reward specs as canonical JSON: the Python class keeps the fields, the core decides what is right.

use pyo3::prelude::*;
use videostr_core::spec::RewardSpec;

use crate::{door, errors};

/// A spec (an optional `preset` and any fields) checked and written out whole: every field, in a fixed order.
#[pyfunction]
pub(crate) fn canonical_spec(py: Python<'_>, json: &str) -> PyResult<String> {
    door::enter(py, || RewardSpec::from_json(json).map(|spec| spec.to_json()))?
        .map_err(|error| errors::spec(py, &error))
}
