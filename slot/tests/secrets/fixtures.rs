//! Every fixture, played by the real program with its log at its most verbose.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::PROGRAM;
use crate::disguise::disguised;
use crate::needles::Needles;
use crate::search::searched;

/// At `trace` the player tells every answer and every status key besides what the driver logs.
pub(crate) fn no_fixture_shows_what_it_holds() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let place = tempfile::tempdir().unwrap();
    let mut needles = Needles::default();
    let mut paths = Vec::new();
    collect(&all, &mut paths);
    for path in &mut paths {
        let text = fs::read_to_string(&*path).unwrap();
        let fixture: Value = serde_json::from_str(&text).unwrap();
        let fixture = disguised(&fixture, &mut needles);
        let name = path
            .strip_prefix(&all)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('/', "-");
        *path = place.path().join(name);
        fs::write(path, fixture.to_string()).unwrap();
    }
    let output = Command::new(PROGRAM)
        .arg("replay")
        .args(&paths)
        .env("PLACEOS_SLOT_LOG", "trace")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let failed: Vec<_> = told
        .split("\n/")
        .filter(|played| played.contains("FAILED"))
        .collect();
    assert!(
        output.status.success(),
        "{failed:#?}\n{}",
        log.lines().last().unwrap_or_default()
    );
    assert_eq!(told.matches("as expected").count(), paths.len());
    // It is as verbose as it is meant to be.
    for wanted in [
        "an attempt failed",
        "\"key\":\"subscriptions\"",
        "\"outcome\":\"Response",
    ] {
        assert!(log.contains(wanted), "no {wanted} in the log");
    }
    searched(&needles, &[told.as_bytes(), log.as_bytes()]);
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else {
            paths.push(path);
        }
    }
}
