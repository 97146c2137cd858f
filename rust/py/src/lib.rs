//! Python binding of the core: `videostr._core`.
//!
//! Strings and references come in, arrays go out. All work passes [`door`]; nothing else detaches from the interpreter.

mod assign;
mod batch;
mod door;
mod errors;
mod info;
mod pool;
mod reference;
mod reply;
mod scorer;
mod spec;
mod texts;

/// The compiled half of `videostr`; use the names of `videostr` instead.
#[pyo3::pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::assign::{assign, assign_batch};
    #[pymodule_export]
    use crate::info::build_info;
    #[pymodule_export]
    use crate::reference::Reference;
    #[pymodule_export]
    use crate::reply::{parse, read_graphs};
    #[pymodule_export]
    use crate::scorer::Scorer;
    #[pymodule_export]
    use crate::spec::canonical_spec;

    /// The next reply that is scored or explained panics; for the tests of containment.
    #[pyfunction]
    fn _panic_once() {
        crate::batch::arm_panic();
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        use videostr_core::names;
        crate::door::silence_panics();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("COMPONENTS", names::COMPONENTS)?;
        module.add("GRAPH_STATUS", names::GraphStatus::NAMES)?;
        module.add("ANSWER_STATUS", names::AnswerStatus::NAMES)?;
        module.add("REPAIRS", names::Repair::NAMES)?;
        module.add("PRESETS", videostr_core::spec::PRESETS)?;
        Ok(())
    }
}
