//! The one door to the core: every piece of work goes through [`enter`], which releases the GIL, or [`guard`] inside it.
//!
//! A panic is a bug of ours. It is caught where it happens, its message and place are kept for the report, and nothing
//! is printed: a library that prints in a Ray worker floods the log.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};

use pyo3::prelude::*;

use crate::errors;

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What a caught panic said, and where.
#[derive(Debug)]
pub(crate) struct Panicked(pub(crate) String);

/// Records panics instead of printing them. The extension module carries its own copy of the standard library, so this
/// touches no other code of the process.
pub(crate) fn silence_panics() {
    set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let payload = info.payload();
        let text =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no message");
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        LAST_PANIC.with(|last| *last.borrow_mut() = Some(format!("{text}{place}")));
    }));
}

/// Runs `work`; a panic becomes an error that carries its message.
pub(crate) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let text = LAST_PANIC.with(|last| last.borrow_mut().take());
        Panicked(text.unwrap_or_else(|| "no message".to_owned()))
    })
}

/// Releases the GIL, runs `work`, takes the GIL back; a panic becomes `videostr.InternalError`.
pub(crate) fn enter<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| guard(work)).map_err(|panicked| errors::internal(py, &panicked))
}
