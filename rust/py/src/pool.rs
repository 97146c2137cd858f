//! Worker threads: one pool a process, never rayon's global one.
//!
//! The pool is keyed by process id. A forked child finds a pool whose threads did not come with it; it leaves that pool
//! alone (dropping it would wait for threads that do not exist) and builds its own. Every access to the registry happens
//! while the GIL is held and lets it go at no point, and `os.fork` needs the GIL too: so no child can inherit a locked
//! registry, also when another thread of the parent was scoring.

use std::env;
use std::mem;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// More threads than any machine that this runs on has cores: a larger number is a mistake of the caller.
const MAX_THREADS: usize = 1024;
const CAP: &str = "VIDEOSTR_NUM_THREADS";

struct Registry {
    pid: u32,
    cores: usize,
    helpers: Option<Arc<ThreadPool>>,
}

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

fn with_registry<T>(_gil: Python<'_>, work: impl FnOnce(&mut Registry) -> T) -> T {
    let mut slot = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = process::id();
    if slot.as_ref().is_none_or(|registry| registry.pid != pid) {
        mem::forget(slot.take());
        let cores = thread::available_parallelism().map_or(1, usize::from);
        *slot = Some(Registry { pid, cores, helpers: None });
    }
    work(slot.as_mut().expect("just filled"))
}

/// A number of threads that a caller asked for.
pub(crate) fn checked_threads(count: i64) -> PyResult<usize> {
    usize::try_from(count)
        .ok()
        .filter(|count| (1..=MAX_THREADS).contains(count))
        .ok_or_else(|| PyValueError::new_err(format!("num_threads is {count}: expected 1..{MAX_THREADS} or None")))
}

/// The threads that `num_threads=None` means: the cores that this process may use (affinity and control group), capped by
/// `VIDEOSTR_NUM_THREADS`.
pub(crate) fn default_threads(py: Python<'_>) -> PyResult<usize> {
    let cores = with_registry(py, |registry| registry.cores);
    match env::var(CAP) {
        Err(_) => Ok(cores),
        Ok(text) if text.trim().is_empty() => Ok(cores),
        Ok(text) => match text.trim().parse::<usize>() {
            Ok(cap) if cap >= 1 => Ok(cores.min(cap)),
            _ => Err(PyValueError::new_err(format!("{CAP} is {text:?}: expected a whole number of at least 1"))),
        },
    }
}

/// A pool with at least `count` threads; `None` when the system gives none (the caller then works alone).
pub(crate) fn helpers(py: Python<'_>, count: usize) -> Option<Arc<ThreadPool>> {
    with_registry(py, |registry| {
        if registry.helpers.as_ref().is_none_or(|pool| pool.current_num_threads() < count) {
            let built =
                ThreadPoolBuilder::new().num_threads(count).thread_name(|index| format!("videostr-{index}")).build();
            match built {
                Ok(pool) => registry.helpers = Some(Arc::new(pool)),
                Err(_) => return registry.helpers.clone(),
            }
        }
        registry.helpers.clone()
    })
}
