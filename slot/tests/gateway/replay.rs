//! The program as a player of fixtures.

use std::process::{Command, Output};

const FIXTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/fixtures/post/subscribes.json"
);

fn replay(fixtures: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_placeos-slot"))
        .arg("replay")
        .args(fixtures)
        .output()
        .unwrap()
}

#[test]
fn it_tells_each_step_and_ends_well() {
    let output = replay(&[FIXTURE, FIXTURE]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.matches("as expected").count(), 2, "{told}");
    assert!(told.lines().count() >= 6, "{told}");
}

#[test]
fn a_fixture_that_fails_ends_it_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.json");
    let fixture = std::fs::read_to_string(FIXTURE).unwrap();
    assert!(fixture.contains("201"), "{fixture}");
    std::fs::write(&wrong, fixture.replace("201", "299")).unwrap();
    let output = replay(&[wrong.to_str().unwrap(), FIXTURE]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("FAILED"));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.ends_with("placeos-slot: 1 of 2 fixtures failed\n"),
        "{error}"
    );

    let output = replay(&["no/such.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty());
}
