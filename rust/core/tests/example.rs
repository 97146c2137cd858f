//! `examples/score.rs`, run as a person runs it.

use std::env;
use std::fs;
use std::process::Command;

#[test]
fn the_example_scores_a_file() {
    let tests = env::current_exe().expect("the test's own path");
    let example = tests.parent().and_then(|deps| deps.parent()).expect("target/<profile>").join("examples/score");
    let folder = env::temp_dir().join(format!("videostr-example-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let (truth, reply) = (folder.join("truth.json"), folder.join("reply.txt"));
    fs::write(&truth, r#"{"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}"#)
        .expect("a file");
    fs::write(&reply, b"<think>\xff</think><answer>B</answer>").expect("a file");
    let done = Command::new(&example).args([&truth, &reply]).output();
    fs::remove_dir_all(&folder).expect("an empty place");
    let done = done.unwrap_or_else(|error| panic!("{}: {error}; cargo test builds it", example.display()));
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("format        1.000000\nanswer        1.000000\n"), "{said}");
    assert!(said.contains("answer status ok"), "{said}");
}
