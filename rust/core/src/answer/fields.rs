//! Reading the fields of a reference's answer, each of which is used once and must be right.

use crate::nearest::nearest;
use serde_json::{Map, Value};

/// A wrong field and what to do about it.
pub(super) type Wrong = (String, String);

/// The fields of one object, and which of them were asked for.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

fn wrong(field: &str, message: impl Into<String>) -> Wrong {
    (field.to_owned(), message.into())
}

/// A value that is not in its list.
pub(super) fn unlisted(field: &str, value: &str, list: &[&str]) -> Wrong {
    wrong(field, format!("{value:?} is not one of {}; did you mean {:?}?", list.join(", "), nearest(value, list)))
}

impl<'a> Fields<'a> {
    pub(super) fn new(object: &'a Map<String, Value>) -> Self {
        Self { object, known: Vec::new() }
    }

    /// A field that may be absent.
    pub(super) fn optional(&mut self, field: &'static str) -> Option<&'a Value> {
        self.known.push(field);
        self.object.get(field)
    }

    fn required(&mut self, field: &'static str) -> Result<&'a Value, Wrong> {
        self.optional(field).ok_or_else(|| {
            let others: Vec<&str> = self.object.keys().map(String::as_str).collect();
            wrong(field, format!("is missing; the fields given are: {}", others.join(", ")))
        })
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<&'a str, Wrong> {
        self.required(field)?.as_str().ok_or_else(|| wrong(field, "must be a string"))
    }

    pub(super) fn number(&mut self, field: &'static str) -> Result<f64, Wrong> {
        let number = self.required(field)?.as_f64().filter(|value| value.is_finite());
        number.ok_or_else(|| wrong(field, "must be a finite number"))
    }

    pub(super) fn numbers<const N: usize>(&mut self, field: &'static str) -> Result<[f64; N], Wrong> {
        let list = self.required(field)?.as_array().filter(|list| list.len() == N);
        let list = list.ok_or_else(|| wrong(field, format!("must be a list of {N} numbers")))?;
        let mut numbers = [0.0; N];
        for (i, (place, value)) in numbers.iter_mut().zip(list).enumerate() {
            let number = value.as_f64().filter(|value| value.is_finite());
            *place = number.ok_or_else(|| wrong(&format!("{field}[{i}]"), "must be a finite number"))?;
        }
        Ok(numbers)
    }

    /// Nothing but the fields that were asked for.
    pub(super) fn no_others(&self) -> Result<(), Wrong> {
        match self.object.keys().find(|key| !self.known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(wrong(
                key,
                format!("no such field for this kind of answer; did you mean {:?}?", nearest(key, &self.known)),
            )),
        }
    }

    pub(super) fn wrong(field: &str, message: impl Into<String>) -> Wrong {
        wrong(field, message)
    }
}
