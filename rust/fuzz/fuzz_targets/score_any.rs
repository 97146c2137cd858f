//! Any spec, reference and reply, separated by NUL: promises 1 to 5 of docs/scoring.md, section 8. What takes time out of
//! proportion is caught by the fuzzer's own limit.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::{Corpus, fuzz_target};
use videostr_core::names::COMPONENTS;
use videostr_core::score::{Row, Scorer, Scratch};
use videostr_core::spec::RewardSpec;

const CONSISTENCY: usize = 6;
const LENGTH: usize = 11;
const TOTAL: usize = 12;

thread_local! {
    static USED: RefCell<Scratch> = RefCell::default();
}

/// Everything of a row, to the bit; NaN only as such.
fn bits(row: &Row) -> impl PartialEq + std::fmt::Debug {
    let number = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    (row.components.map(number), row.graph_status, row.answer_status, row.repairs)
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let input = String::from_utf8_lossy(data);
    let mut parts = input.splitn(3, '\0');
    let (Some(spec), Some(reference), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return Corpus::Reject;
    };
    let Ok(spec) = RewardSpec::from_json(spec) else {
        return Corpus::Reject;
    };
    let scorer = Scorer::new(spec);
    let Ok(reference) = scorer.prepare(reference) else {
        return Corpus::Reject;
    };
    #[expect(clippy::cast_precision_loss, reason = "a length of text")]
    let tokens = (text.len() % 2 == 0).then_some(text.len() as f64);
    let row = scorer.score(&mut Scratch::default(), text, &reference, tokens);
    let empty = scorer.score(&mut Scratch::default(), "", &reference, tokens);
    assert!(row.components[TOTAL].is_finite());
    for (column, (value, of_empty)) in row.components.iter().zip(empty.components).enumerate() {
        let name = COMPONENTS[column];
        assert!(column == TOTAL || value.is_nan() || (0.0..=1.0).contains(value), "{name} {value}");
        assert!(column == CONSISTENCY || value.is_nan() == of_empty.is_nan(), "{name} {value} {of_empty}");
    }
    USED.with_borrow_mut(|used| {
        let again = scorer.score(used, text, &reference, tokens);
        assert_eq!(bits(&again), bits(&row), "the memory of another reply");
        let explained = scorer.explain(used, text, &reference, tokens);
        assert_eq!(bits(&explained.row), bits(&row), "explained");
    });
    let mut rows = [row, empty, row];
    scorer.apply_groups(&mut rows, &[0, 1, 0], |_| &reference);
    for column in (0..LENGTH).filter(|&column| !rows[0].components[column].is_nan()) {
        assert_eq!(rows[0].components[column].to_bits(), row.components[column].to_bits(), "grouped");
    }
    assert_eq!(bits(&rows[0]), bits(&rows[2]), "two of a group");
    Corpus::Keep
});
