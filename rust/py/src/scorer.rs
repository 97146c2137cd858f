//! `Scorer`: strings and references in, arrays out.

use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use videostr_core::names::COMPONENTS;
use videostr_core::score::{Scorer as CoreScorer, Scratch};
use videostr_core::spec::RewardSpec;

use crate::batch::{Batch, References, Scored, panic_if_armed};
use crate::reference::Reference;
use crate::{door, errors, pool, texts};

/// Components, graph statuses, answer statuses, repairs, and the first caught bug (row, message) if there was one.
type Columns<'py> = (
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<u32>>,
    Option<(usize, String)>,
);

/// Scores replies under one spec; immutable.
#[pyclass(frozen, module = "videostr._core")]
pub(crate) struct Scorer {
    core: Arc<CoreScorer>,
}

impl Scorer {
    pub(crate) fn core(&self) -> &Arc<CoreScorer> {
        &self.core
    }
}

/// The references of a batch, held while the GIL is released.
enum Held<'py> {
    One(Bound<'py, Reference>),
    Each(Vec<Bound<'py, Reference>>),
}

impl<'py> Held<'py> {
    fn new(refs: &Bound<'py, PyAny>, rows: usize) -> PyResult<Self> {
        if let Ok(one) = refs.cast::<Reference>() {
            return Ok(Self::One(one.clone()));
        }
        let mut held = Vec::with_capacity(rows);
        for (row, reference) in refs.try_iter()?.enumerate() {
            match reference?.cast_into::<Reference>() {
                Ok(reference) => held.push(reference),
                Err(error) => {
                    let name = error.into_inner().get_type().name()?.to_string();
                    return Err(PyTypeError::new_err(format!("row {row}: refs[{row}] is {name}, not Reference")));
                }
            }
        }
        same_length("refs", held.len(), rows)?;
        Ok(Self::Each(held))
    }

    fn check(&self, scorer: &Arc<CoreScorer>) -> PyResult<()> {
        let foreign = match self {
            Self::One(one) => (!one.get().belongs_to(scorer)).then_some(0),
            Self::Each(each) => each.iter().position(|one| !one.get().belongs_to(scorer)),
        };
        match foreign {
            None => Ok(()),
            Some(row) => Err(PyValueError::new_err(format!("row {row}: the reference was prepared for another spec"))),
        }
    }

    fn borrow(&self) -> References<'_> {
        match self {
            Self::One(one) => References::One(one.get().prepared()),
            Self::Each(each) => References::Each(each.iter().map(|one| one.get().prepared()).collect()),
        }
    }
}

fn same_length(name: &str, found: usize, rows: usize) -> PyResult<()> {
    if found == rows {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{name} has {found} entries but texts has {rows}: they go row by row")))
}

#[pymethods]
impl Scorer {
    #[new]
    fn new(py: Python<'_>, spec: &str) -> PyResult<Self> {
        let built = door::enter(py, || RewardSpec::from_json(spec).map(CoreScorer::new))?;
        Ok(Self { core: Arc::new(built.map_err(|error| errors::spec(py, &error))?) })
    }

    /// The whole spec as canonical JSON.
    #[getter]
    fn spec_json(&self) -> String {
        self.core.spec().to_json()
    }

    /// Whether a reference was prepared for this scorer's spec.
    fn owns(&self, reference: &Bound<'_, Reference>) -> bool {
        reference.get().belongs_to(&self.core)
    }

    /// Scores a batch; `tokens` holds NaN, `groups` the largest u32, where unknown.
    #[pyo3(signature = (texts, refs, tokens=None, groups=None, num_threads=None))]
    fn score_batch<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        refs: &Bound<'py, PyAny>,
        tokens: Option<PyReadonlyArray1<'py, f64>>,
        groups: Option<PyReadonlyArray1<'py, u32>>,
        num_threads: Option<i64>,
    ) -> PyResult<Columns<'py>> {
        let num_threads = num_threads.map(pool::checked_threads).transpose()?;
        let strings = texts::strings(texts)?;
        let references = Held::new(refs, strings.len())?;
        references.check(&self.core)?;
        let tokens = tokens.map(|tokens| tokens.as_array().to_vec());
        let groups = groups.map(|groups| groups.as_array().to_vec());
        if let Some(tokens) = &tokens {
            same_length("tokens", tokens.len(), strings.len())?;
        }
        if let Some(groups) = &groups {
            same_length("group_ids", groups.len(), strings.len())?;
        }
        let utf8 = strings.iter().map(texts::utf8).collect::<PyResult<Vec<_>>>()?;
        let batch = Batch {
            scorer: &self.core,
            texts: utf8.iter().map(AsRef::as_ref).collect(),
            references: references.borrow(),
            tokens,
            groups,
        };
        let workers = match num_threads {
            Some(count) => batch.workers(count),
            None if batch.workers(2) == 1 => 1,
            None => batch.workers(pool::default_threads(py)?),
        };
        let helpers = if workers > 1 { pool::helpers(py, workers - 1) } else { None };
        let scored = door::enter(py, || batch.run(workers, helpers.as_ref()))?;
        columns(py, &scored)
    }

    /// The explanation of one reply's score, as JSON.
    #[pyo3(signature = (text, reference, tokens=None))]
    fn explain(
        &self,
        py: Python<'_>,
        text: &Bound<'_, PyString>,
        reference: &Bound<'_, Reference>,
        tokens: Option<f64>,
    ) -> PyResult<String> {
        let text = texts::utf8(text)?;
        let text: &str = &text;
        let reference = reference.get().prepared();
        let tokens = tokens.filter(|count| !count.is_nan());
        let core = &self.core;
        door::enter(py, || {
            panic_if_armed();
            let explained = core.explain(&mut Scratch::default(), text, reference, tokens);
            serde_json::to_string(&explained).map_err(|error| error.to_string())
        })?
        .map_err(PyValueError::new_err)
    }
}

fn columns<'py>(py: Python<'py>, scored: &Scored) -> PyResult<Columns<'py>> {
    let rows = &scored.rows;
    let flat: Vec<f64> = rows.iter().flat_map(|row| row.components).collect();
    Ok((
        PyArray1::from_vec(py, flat).reshape([rows.len(), COMPONENTS.len()])?,
        PyArray1::from_vec(py, rows.iter().map(|row| row.graph_status as u8).collect()),
        PyArray1::from_vec(py, rows.iter().map(|row| row.answer_status as u8).collect()),
        PyArray1::from_vec(py, rows.iter().map(|row| row.repairs).collect()),
        scored.fault.clone(),
    ))
}
