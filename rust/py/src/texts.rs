//! Python strings as borrowed UTF-8.

use std::borrow::Cow;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// A reply's text. Lone surrogates, which UTF-8 cannot hold, become U+FFFD in a copy of the same length in bytes.
pub(crate) fn utf8<'a>(text: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, str>> {
    if let Ok(text) = text.to_str() {
        return Ok(Cow::Borrowed(text));
    }
    let encoded = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
    let mut bytes = encoded.cast::<PyBytes>()?.as_bytes().to_vec();
    let mut at = 0;
    while at + 2 < bytes.len() {
        // U+D800..U+DFFF are written ED A0..BF xx, U+FFFD is EF BF BD: three bytes for three
        if bytes[at] == 0xED && bytes[at + 1] >= 0xA0 {
            bytes[at..at + 3].copy_from_slice("\u{FFFD}".as_bytes());
        }
        at += 1;
    }
    Ok(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The strings of a sequence, held; a wrong element is named by its row.
pub(crate) fn strings<'py>(texts: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyString>>> {
    if texts.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("texts is one str: pass a list, [text], or call score()"));
    }
    let mut held = Vec::with_capacity(texts.len().unwrap_or(0));
    for (row, text) in texts.try_iter()?.enumerate() {
        match text?.cast_into::<PyString>() {
            Ok(text) => held.push(text),
            Err(error) => {
                let found = error.into_inner();
                let name = found.get_type().name()?;
                return Err(PyTypeError::new_err(format!("row {row}: texts[{row}] is {name}, not str")));
            }
        }
    }
    Ok(held)
}
