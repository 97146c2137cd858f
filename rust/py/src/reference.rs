//! `Reference`: one ground truth, validated and prepared for one spec.

use std::sync::Arc;

use pyo3::prelude::*;
use videostr_core::reference::Reference as CoreReference;
use videostr_core::score::Scorer as CoreScorer;

use crate::door;
use crate::errors;
use crate::scorer::Scorer;

/// A ground truth, validated and prepared for the spec of `scorer`.
#[pyclass(frozen, subclass, module = "videostr._core")]
pub(crate) struct Reference {
    scorer: Arc<CoreScorer>,
    prepared: CoreReference,
    json: String,
}

impl Reference {
    pub(crate) fn prepared(&self) -> &CoreReference {
        &self.prepared
    }

    /// Whether it was prepared for this very spec.
    pub(crate) fn belongs_to(&self, scorer: &Arc<CoreScorer>) -> bool {
        Arc::ptr_eq(&self.scorer, scorer) || self.scorer.spec() == scorer.spec()
    }
}

#[pymethods]
impl Reference {
    #[new]
    fn new(py: Python<'_>, scorer: &Bound<'_, Scorer>, json: String) -> PyResult<Self> {
        let scorer = Arc::clone(scorer.get().core());
        let prepared = door::enter(py, || scorer.prepare(&json))?.map_err(|error| errors::prepare(py, &error))?;
        Ok(Self { scorer, prepared, json })
    }

    /// The ground truth as it was given, as JSON.
    #[getter]
    fn json(&self) -> &str {
        &self.json
    }

    /// The spec that it is prepared for, as canonical JSON.
    #[getter]
    fn spec_json(&self) -> String {
        self.scorer.spec().to_json()
    }
}
