//! Any bytes, read with and without a reference: nothing panics, what is read is sound, and memory that was used before
//! changes nothing.

#![no_main]

#[path = "../../core/tests/sound/mod.rs"]
mod sound;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use videostr_core::reader::{Reader, Reply};

thread_local! {
    static USED: RefCell<(Reader, Reply)> = RefCell::default();
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let table = sound::table();
    USED.with_borrow_mut(|(reader, reply)| {
        for context in sound::contexts(&table) {
            reader.read(&text, &context, reply);
            let mut fresh = Reply::default();
            Reader::new().read(&text, &context, &mut fresh);
            assert_eq!(format!("{reply:?}"), format!("{fresh:?}"));
            sound::assert_sound(&text, &context, reply);
        }
    });
});
