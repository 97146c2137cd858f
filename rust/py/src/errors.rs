//! The core's errors as the typed exceptions of `videostr.errors`.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use videostr_core::reference::PrepareError;
use videostr_core::spec::SpecError;

use crate::door::Panicked;

fn located(py: Python<'_>, class: &PyOnceLock<Py<PyType>>, name: &str, message: &str, field: &str) -> PyErr {
    match class.import(py, "videostr.errors", name) {
        Ok(class) => PyErr::from_type(class.clone(), (message.to_owned(), field.to_owned())),
        Err(error) => error,
    }
}

/// `videostr.SpecError`, naming the field.
pub(crate) fn spec(py: Python<'_>, error: &SpecError) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    located(py, &CLASS, "SpecError", &error.message, &error.field)
}

/// `videostr.SpecError` or `videostr.GroundTruthError`, naming the field.
pub(crate) fn prepare(py: Python<'_>, error: &PrepareError) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    match error {
        PrepareError::Spec(error) => spec(py, error),
        PrepareError::GroundTruth(error) => located(py, &CLASS, "GroundTruthError", &error.message, &error.field),
    }
}

/// `videostr.InternalError`: a bug of ours, with what is known of it.
pub(crate) fn internal(py: Python<'_>, panicked: &Panicked) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let message = format!("a bug in videostr, please report it: {}", panicked.0);
    match CLASS.import(py, "videostr.errors", "InternalError") {
        Ok(class) => PyErr::from_type(class.clone(), (message,)),
        Err(_) => PyException::new_err(message),
    }
}
