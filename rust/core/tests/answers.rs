//! The grammar and the score of every kind of answer, and what a reference must say.

use serde_json::{Value, json};
use videostr_core::answer::{AnswerRules, AnswerTruth, BoxRule, BoxSpace, NumberRule, score_answer};
use videostr_core::names::{AnswerStatus, Repair, RepairLog};

fn truth(answer: &Value) -> AnswerTruth {
    AnswerTruth::from_json(answer.as_object().unwrap()).unwrap()
}

fn grade(answer: &Value, rules: AnswerRules, block: &str) -> (f64, AnswerStatus, u32) {
    let mut repairs = RepairLog { keep_places: true, ..RepairLog::default() };
    let (score, status) = score_answer(&truth(answer), &rules, block, Some(0..block.len()), 1, &mut repairs);
    (score, status, repairs.bits)
}

/// The score; none when the block is unreadable.
fn score(answer: &Value, rules: AnswerRules, block: &str) -> Option<f64> {
    let (score, status, _) = grade(answer, rules, block);
    assert!((0.0..=1.0).contains(&score), "{block}: {score}");
    match status {
        AnswerStatus::Ok => Some(score),
        AnswerStatus::Unreadable => {
            assert_eq!(score, 0.0);
            None
        }
        _ => panic!("{block}"),
    }
}

#[test]
fn choices_are_letters_at_the_start_or_options() {
    let answer = json!({"kind": "choice", "value": "b", "options": ["cat", "Dog House", "dog"]});
    let grade = |block: &str| score(&answer, AnswerRules::default(), block);
    for block in [
        "B",
        " b ",
        "B.",
        "b) it is",
        "B: x",
        "(b) x",
        "[B]",
        "**B**",
        "option B",
        "Option (b)",
        "OPTION\n[B]",
        "Option(B)",
        "dog\thouse",
    ] {
        assert_eq!(grade(block), Some(1.0), "{block:?}");
    }
    for block in ["A", "Z", "cat", "DOG", "(a) B", "C. B"] {
        assert_eq!(grade(block), Some(0.0), "{block:?}");
    }
    for block in [
        "",
        " ",
        "B it is",
        "the B",
        "OptionB",
        "(B",
        "B)x(".get(2..).unwrap(),
        "1",
        "**b*",
        "option",
        "Bb",
        "é",
        "B,",
        "( B )",
        "do",
        "doghouse",
    ] {
        assert_eq!(grade(block), None, "{block:?}");
    }
}

#[test]
fn the_first_untouched_number_counts() {
    let answer = json!({"kind": "number", "value": 1});
    let exact = AnswerRules { number: NumberRule::Exact2, ..AnswerRules::default() };
    let reads = |block: &str, value: f64| {
        let answer = json!({"kind": "number", "value": value});
        assert_eq!(score(&answer, exact, block), Some(1.0), "{block:?} is not {value}");
    };
    for (block, value) in [
        ("5", 5.0),
        ("-5", -5.0),
        ("+5", 5.0),
        ("\u{2212}5", -5.0),
        ("x -5", -5.0),
        ("x-5", 5.0),
        ("3-5", 3.0),
        ("--5", -5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1.5e2", 150.0),
        ("2e", 2.0),
        ("1,234.5", 1234.5),
        ("1,234,567", 1_234_567.0),
        ("-1,234e1", -12340.0),
        ("1,23", 1.0),
        ("1234,567", 1234.0),
        ("1,2345", 1.0),
        ("v1.5 2", 2.0),
        ("a.5 3", 3.0),
        ("_7 8", 8.0),
        ("é7 8", 8.0),
        ("5th", 5.0),
        ("1.2.3", 1.2),
        ("ninety-nine", 99.0),
        ("Ninety nine", 99.0),
        ("twenty-", 20.0),
        ("twenty ten", 20.0),
        ("twenty zero", 20.0),
        ("ZERO", 0.0),
        ("someone two", 2.0),
        ("fourth 3", 3.0),
        ("one hundred", 1.0),
        ("nineteen", 19.0),
        ("twentyone 6", 6.0),
        ("one_two 3", 3.0),
        ("-two", -2.0),
        ("(7)", 7.0),
        ("=7", 7.0),
        ("thirty\nfive", 35.0),
        ("twenty onesies", 20.0),
    ] {
        reads(block, value);
    }
    for block in ["", "x7", "none", "-", ".", "one1", "a1.5", "١"] {
        assert_eq!(score(&answer, exact, block), None, "{block:?}");
    }
    assert_eq!(score(&answer, exact, "1e999"), Some(0.0));
}

#[test]
fn units_right_after_a_number_convert() {
    let exact = AnswerRules { number: NumberRule::Exact2, ..AnswerRules::default() };
    for (unit, block, value) in [
        ("m", "350 cm", 3.5),
        ("m", "3.5", 3.5),
        ("m", "3.5 apples", 3.5),
        ("cm", "2 in", 5.08),
        ("cm", "2 in.", 5.08),
        ("cm", "2 in it", 2.0),
        ("cm", "2 inches away", 5.08),
        ("m", "10 feet", 3.048),
        ("s", "two minutes", 120.0),
        ("s", "1500ms", 1.5),
        ("km/h", "10 m/s", 36.0),
        ("deg", "3.141592653589793 rad", 180.0),
        ("°", "90°", 90.0),
        ("m2", "12 square metres", 12.0),
        ("m²", "12 m^2", 12.0),
        ("mph", "60 miles per hour", 60.0),
        ("h", "90 min", 1.5),
        ("m", "2-metre", 2.0),
    ] {
        let answer = json!({"kind": "number", "value": value, "unit": unit});
        assert_eq!(score(&answer, exact, block), Some(1.0), "{block:?} is not {value} {unit}");
    }
    for (unit, block) in [("m", "3 s"), ("m", "3 m2"), ("m", "3 m/s"), ("s", "3 degrees"), ("m", "2 h of 3 m")] {
        let answer = json!({"kind": "number", "value": 3, "unit": unit});
        assert_eq!(score(&answer, exact, block), None, "{block:?} {unit}");
    }
    assert_eq!(score(&json!({"kind": "number", "value": 3}), exact, "3 m"), Some(1.0));
}

#[test]
fn numbers_score_by_their_rule() {
    let of = |rule: NumberRule, truth: f64, block: &str| {
        let rules = AnswerRules { number: rule, ..AnswerRules::default() };
        score(&json!({"kind": "number", "value": truth}), rules, block).unwrap()
    };
    for (truth, block, expected) in [
        (10.0, "10.5", 1.0),
        (10.0, "11", 0.9),
        (10.0, "5", 0.1),
        (10.0, "4.9", 0.0),
        (-10.0, "10", 0.0),
        (-10.0, "-11", 0.9),
        (0.0, "1e-9", 1.0),
        (0.0, "0.00001", 0.0),
        (1e-300, "1e300", 0.0),
    ] {
        assert_eq!(of(NumberRule::Mra, truth, block), expected, "{block} for {truth}");
    }
    assert_eq!(of(NumberRule::Relative, 4.0, "3"), 0.75);
    assert_eq!(of(NumberRule::Relative, 4.0, "-3"), 0.0);
    assert_eq!(of(NumberRule::Relative, 0.0, "-0.0"), 1.0);
    for (truth, block, expected) in [
        (0.12, "0.125", 1.0),
        (0.14, "0.135", 1.0),
        (2.68, "2.675", 0.0),
        (2.67, "2.675", 1.0),
        (0.0, "-0.001", 1.0),
        (1e300, "1e300", 1.0),
    ] {
        assert_eq!(of(NumberRule::Exact2, truth, block), expected, "{block} for {truth}");
    }
}

#[test]
fn boxes_score_by_overlap_in_the_space_of_the_reference() {
    let answer = json!({"kind": "box2d", "value": [0, 0, 10, 10], "size": [100, 50], "box_space": "pixel"});
    let plain = AnswerRules::default();
    for (block, expected, sorted) in [
        ("[0,0,10,10]", 1.0, false),
        (" [ 0 , 0 , 5.0 , 1e1 ] ", 0.5, false),
        ("[10,10,0,0]", 1.0, true),
        ("[5,5,5,9]", 0.0, false),
        ("[20,20,30,30]", 0.0, false),
        ("[-1e308,-1e308,1e308,1e308]", 0.0, false),
    ] {
        let (score, status, bits) = grade(&answer, plain, block);
        assert_eq!((score, status), (expected, AnswerStatus::Ok), "{block}");
        assert_eq!(bits, if sorted { Repair::CornersSorted.bit() } else { 0 }, "{block}");
    }
    for block in [
        "",
        "0,0,10,10",
        "[0,0,10]",
        "[0,0,10,10,1]",
        "[0,0,10,NaN]",
        "[0,0,,10]",
        "the box [0,0,10,10]",
        "[0 0 10 10]",
    ] {
        assert_eq!(score(&answer, plain, block), None, "{block}");
    }
    let giou = AnswerRules { box_score: BoxRule::Giou, ..plain };
    assert_eq!(score(&answer, giou, "[0,0,10,10]"), Some(1.0));
    assert_eq!(score(&answer, giou, "[10,0,20,10]"), Some(0.5));
    assert_eq!(score(&answer, giou, "[-1e308,-1e308,1e308,1e308]"), Some(0.0));
    for (space, block) in
        [(BoxSpace::Norm1, "[0,0,0.1,0.2]"), (BoxSpace::Norm1000, "[0,0,100,200]"), (BoxSpace::Pixel, "[0,0,10,10]")]
    {
        let near = score(&answer, AnswerRules { box_space: space, ..plain }, block).unwrap();
        assert!((near - 1.0).abs() < 1e-12, "{block}");
    }
}

#[test]
fn the_place_of_sorted_corners_is_in_the_reply() {
    let answer = truth(&json!({"kind": "box2d", "value": [0, 0, 10, 10], "size": [100, 50], "box_space": "pixel"}));
    let mut repairs = RepairLog { keep_places: true, ..RepairLog::default() };
    let text = "<answer> [10,10,0,0]</answer>";
    let (score, status) = score_answer(&answer, &AnswerRules::default(), text, Some(8..20), 2, &mut repairs);
    assert_eq!((score, status), (1.0, AnswerStatus::Many));
    assert_eq!(repairs.places, [(Repair::CornersSorted, 9)]);
}

#[test]
fn intervals_score_by_overlap() {
    let answer = json!({"kind": "interval", "value": [2, 6]});
    for (block, expected) in [
        ("[2,6]", 1.0),
        ("2 to 6", 1.0),
        ("2 TO 4", 0.5),
        ("2-6", 1.0),
        ("2 - 6", 1.0),
        ("-2-6", 0.5),
        ("2--6", 0.0),
        ("[6,2]", 0.0),
        ("3-3", 0.0),
        ("1e308 - 1e309".get(..5).map(|_| "[-1e308,1e308]").unwrap(), 0.0),
    ] {
        assert_eq!(score(&answer, AnswerRules::default(), block), Some(expected), "{block}");
    }
    for block in ["", "2", "2to6", "2 to", "2 6", "2-6s", "from 2 to 6", "[2,6", "2 to6", "2 bis 6", "2 é"] {
        assert_eq!(score(&answer, AnswerRules::default(), block), None, "{block}");
    }
}

#[test]
fn texts_are_equal_or_not() {
    let answer = json!({"kind": "text", "value": " Weiße  Tür "});
    for (block, expected) in [
        ("weisse tür", Some(1.0)),
        ("WEISSE\u{a0}TÜR", Some(1.0)),
        ("weisse-tür", Some(0.0)),
        ("", None),
        (" \n", None),
    ] {
        assert_eq!(score(&answer, AnswerRules::default(), block), expected, "{block}");
    }
}

#[test]
fn no_block_is_none() {
    let answer = truth(&json!({"kind": "text", "value": "x"}));
    let result = score_answer(&answer, &AnswerRules::default(), "x", None, 0, &mut RepairLog::default());
    assert_eq!(result, (0.0, AnswerStatus::None));
}

#[test]
fn a_wrong_reference_names_the_field() {
    for (answer, field, says) in [
        (json!({}), "kind", "missing"),
        (json!({"kind": 3}), "kind", "string"),
        (json!({"kind": "nummer"}), "kind", "\"number\""),
        (json!({"kind": "box3d", "value": []}), "kind", "later"),
        (json!({"kind": "tube", "value": {}}), "kind", "later"),
        (json!({"kind": "boxes2d", "value": []}), "kind", "later"),
        (json!({"kind": "choice", "value": "AB", "options": ["x"]}), "value", "one letter"),
        (json!({"kind": "choice", "value": "C", "options": ["x", "y"]}), "value", "2 options"),
        (json!({"kind": "choice", "value": "A", "options": []}), "options", "list"),
        (json!({"kind": "choice", "value": "A", "options": ["x", 3]}), "options[1]", "string"),
        (json!({"kind": "choice", "value": "A", "option": ["x"]}), "option", "\"options\""),
        (json!({"kind": "number", "value": "3"}), "value", "finite number"),
        (json!({"kind": "number", "value": 3, "unit": "mm/s"}), "unit", "did you mean"),
        (json!({"kind": "number", "value": 3, "units": "m"}), "units", "\"unit\""),
        (json!({"kind": "box2d", "value": [0, 0, 1], "size": [1, 1], "box_space": "pixel"}), "value", "4 numbers"),
        (
            json!({"kind": "box2d", "value": [0, 0, 1, null], "size": [1, 1], "box_space": "pixel"}),
            "value[3]",
            "finite",
        ),
        (json!({"kind": "box2d", "value": [1, 0, 0, 1], "size": [1, 1], "box_space": "pixel"}), "value", "x1 < x2"),
        (json!({"kind": "box2d", "value": [0, 0, 1, 1], "size": [0, 1], "box_space": "pixel"}), "size", "over 0"),
        (json!({"kind": "box2d", "value": [0, 0, 1, 1], "size": [1, 1], "box_space": "norm100"}), "box_space", "norm1"),
        (json!({"kind": "box2d", "value": [0, 0, 1, 1], "size": [1, 1]}), "box_space", "missing"),
        (json!({"kind": "interval", "value": [3, 3]}), "value", "start < end"),
        (json!({"kind": "text", "value": " "}), "value", "empty"),
    ] {
        let (found, message) = AnswerTruth::from_json(answer.as_object().unwrap()).unwrap_err();
        assert_eq!(found, field, "{answer}: {message}");
        assert!(message.contains(says), "{answer}: {message}");
    }
}
