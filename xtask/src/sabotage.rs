//! Shows that the tests notice: each patch of `tests/sabotage` removes one safeguard from a copy of the
//! sources, and something must fail there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::cargo::on_host;
use crate::say;

/// Where the patches are.
const PATCHES: &str = "tests/sabotage";
/// Where the copy is made, and what is built of it.
const COPY: &str = "target/sabotage/tree";
const BUILT: &str = "target/sabotage/target";

/// Who may notice: the driver's own tests and fixtures, and the simulation.
const WITNESSES: [(&str, &str); 2] = [("tests", "rhombus-driver"), ("simulation", "simulation")];

/// Applies one patch after the other, and says what has caught each. Fails if one goes unnoticed.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let patches = patches(&shell.current_dir().join(PATCHES))?;
    let mut unnoticed = Vec::new();
    copy(shell)?;
    let untouched = caught(shell)?;
    ensure!(
        untouched.is_empty(),
        "without any patch, there fails: {}",
        untouched.join(", ")
    );
    for patch in &patches {
        let name = patch
            .file_stem()
            .and_then(OsStr::to_str)
            .unwrap_or_default();
        copy(shell)?;
        let directory = shell.push_dir(COPY);
        // Outside a repository of its own, so that git takes the paths as they are.
        cmd!(shell, "git apply --unsafe-paths --directory . {patch}")
            .env("GIT_CEILING_DIRECTORIES", shell.current_dir().join(".."))
            .quiet()
            .run()
            .with_context(|| format!("{name} does not apply any more: make it anew"))?;
        drop(directory);
        let by = caught(shell)?;
        #[expect(clippy::print_stdout, reason = "this is the command's result")]
        if by.is_empty() {
            println!("{name}: NOT CAUGHT");
            unnoticed.push(name);
        } else {
            println!("{name}: caught by {}", by.join(", "));
        }
    }
    ensure!(
        unnoticed.is_empty(),
        "no test notices: {}",
        unnoticed.join(", ")
    );
    say(format_args!("all {} patches are caught", patches.len()));
    Ok(())
}

fn patches(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut patches = Vec::new();
    for entry in fs::read_dir(folder).context("cannot read the patches")? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("patch")) {
            patches.push(path);
        }
    }
    patches.sort();
    ensure!(
        !patches.is_empty(),
        "there are no patches in {}",
        folder.display()
    );
    Ok(patches)
}

/// Makes the copy what the sources are. A file that is as it should be is left alone, so that cargo
/// does not build it again.
fn copy(shell: &Shell) -> anyhow::Result<()> {
    let root = shell.current_dir();
    let listed = cmd!(shell, "git ls-files --cached --others --exclude-standard")
        .quiet()
        .read()?;
    for file in listed.lines().filter(|file| root.join(file).is_file()) {
        let (from, to) = (root.join(file), root.join(COPY).join(file));
        let bytes = fs::read(&from)?;
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// The witnesses that notice, each with its first test that fails.
fn caught(shell: &Shell) -> anyhow::Result<Vec<String>> {
    let built = shell.current_dir().join(BUILT);
    let _directory = shell.push_dir(COPY);
    let mut caught = Vec::new();
    for (witness, package) in WITNESSES {
        let tests = cmd!(shell, "cargo test --quiet --package {package}")
            .env("CARGO_TARGET_DIR", &built)
            .quiet()
            .ignore_status();
        let output = on_host(tests).output()?;
        if output.status.success() {
            continue;
        }
        let told = String::from_utf8_lossy(&output.stdout);
        let failed = told.lines().find_map(failed_test);
        let why = String::from_utf8_lossy(&output.stderr);
        let failed = failed.with_context(|| format!("no test ran in the copy:\n{why}"))?;
        caught.push(format!("{witness} ({failed})"));
    }
    Ok(caught)
}

/// The test that a line of a test program says has failed.
fn failed_test(line: &str) -> Option<&str> {
    let failed = line.strip_prefix("---- ")?;
    Some(
        failed
            .strip_suffix(" ----")
            .unwrap_or(failed)
            .trim_end_matches(" stdout"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_is_named() {
        for (line, name) in [
            (
                "---- lanes::tests::order stdout ----",
                Some("lanes::tests::order"),
            ),
            ("---- delivery/busy ----", Some("delivery/busy")),
            ("test delivery/busy ... FAILED", None),
        ] {
            assert_eq!(failed_test(line), name);
        }
    }
}
