//! libFuzzer, on every target of `fuzz/`.
//!
//! cargo-fuzz asks for a nightly compiler only to add a sanitizer. The code here is safe Rust, in which one
//! finds little; what coverage needs, the stable compiler has.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::cargo::on_host;
use crate::flags::Fuzz;
use crate::say;
use crate::setup;
use crate::versions::FUZZ;

/// The corpus in git, a folder a target; and everything that a run makes.
const CORPUS: &str = "fuzz/corpus";
const MADE: &str = "target/fuzz";
/// How long all targets run together, unless told, in minutes.
const MINUTES: u64 = 7;
/// Bounds of one execution, each far above what the slowest input takes: seconds, megabytes, and bytes of
/// an input.
const LIMITS: [&str; 3] = ["-timeout=60", "-rss_limit_mb=2048", "-max_len=8192"];

/// Builds the targets and runs them, as many at once as there are cores. Fails if one finds something.
pub(crate) fn run(shell: &Shell, fuzz: &Fuzz) -> anyhow::Result<()> {
    setup::for_fuzzing(shell)?;
    let targets = targets(&shell.current_dir().join(CORPUS))?;
    let programs = build(shell)?;
    let lanes = thread::available_parallelism().map_or(1, |cores| cores.get().min(targets.len()));
    let rounds = targets.len().div_ceil(lanes).max(1);
    let seconds = fuzz.minutes.unwrap_or(MINUTES) * 60 / rounds as u64;
    say(format_args!(
        "{} targets, {lanes} at once, {seconds} s each",
        targets.len()
    ));

    let root = shell.current_dir();
    let waiting = Mutex::new(targets.iter());
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let outcome = search(&root, &programs.join(target), target, seconds);
                    #[expect(clippy::print_stdout, reason = "this is the command's result")]
                    match outcome {
                        Ok(outcome) => println!("fuzz {target}: {outcome}"),
                        Err(error) => found
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(format!("{target}: {error:#}")),
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

fn targets(corpus: &Path) -> anyhow::Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(corpus).context("cannot read the corpus")? {
        targets.push(entry?.file_name().to_string_lossy().into_owned());
    }
    targets.sort();
    Ok(targets)
}

/// Answers the folder that the programs are in.
fn build(shell: &Shell) -> anyhow::Result<PathBuf> {
    let host = cmd!(shell, "rustc --print host-tuple").quiet().read()?;
    let options = ["--fuzz-dir", "fuzz", "--features", "libfuzzer", "--release"];
    let sanitizer = ["--sanitizer", "none"];
    let built = format!("{MADE}/build");
    let program = setup::tool(shell, &FUZZ);
    let build = cmd!(
        shell,
        "{program} build {options...} {sanitizer...} --target {host} --target-dir {built}"
    );
    // cargo-fuzz would switch checks on by flags for every crate, and Cargo.toml has one without.
    let build = build
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
    on_host(build).run()?;
    Ok(shell.current_dir().join(built).join(host).join("release"))
}

/// Runs a target for so many seconds, and answers what came of it in a line.
fn search(root: &Path, program: &Path, target: &str, seconds: u64) -> anyhow::Result<String> {
    let made = root.join(MADE);
    let folder = |name: &str| -> anyhow::Result<PathBuf> {
        let folder = made.join(name).join(target);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    let (grown, found, logs) = (folder("corpus")?, folder("found")?, folder("log")?);
    let log = logs.join("log");
    let status = Command::new(program)
        // What is found is put into the first.
        .arg(&grown)
        .arg(root.join(CORPUS).join(target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args(LIMITS)
        .stdout(File::create(logs.join("stdout"))?)
        .stderr(File::create(&log)?)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let told = fs::read(&log)?;
    let told = String::from_utf8_lossy(&told);
    ensure!(
        status.success(),
        "{}\n  {}",
        panic_of(&told).unwrap_or("it ended without a panic; see its log"),
        match input_of(&told) {
            Some(input) => format!(
                "see it again: cargo run --package rhombus-fuzz --example reproduce -- {target} {input}"
            ),
            None => format!("its log: {}", log.display()),
        }
    );
    summary(&told).with_context(|| format!("it says nothing of what it did: {}", log.display()))
}

/// From the last line of the form `#123 DONE cov: 45 ft: 67 corp: 8/90b lim: 12 exec/s: 34 rss: 56Mb`.
fn summary(log: &str) -> Option<String> {
    let line = log.lines().rev().find(|line| line.contains(" cov: "))?;
    let after = |name: &str| {
        let mut words = line.split_whitespace();
        words.find(|word| *word == name)?;
        words.next()
    };
    let executions = line.strip_prefix('#')?.split_whitespace().next()?;
    Some(format!(
        "{executions} executions ({} a second), coverage {}, corpus {} inputs",
        after("exec/s:")?,
        after("cov:")?,
        after("corp:")?.split('/').next()?,
    ))
}

/// The line that says what does not hold, behind the one that says where.
fn panic_of(log: &str) -> Option<&str> {
    let mut lines = log.lines();
    lines.find(|line| line.contains("panicked at "))?;
    lines.next()
}

fn input_of(log: &str) -> Option<&str> {
    let line = log
        .lines()
        .find(|line| line.contains("Test unit written to "))?;
    line.split_once("Test unit written to ")
        .map(|(_, input)| input)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
INFO: seed corpus: files: 60
#61\tINITED cov: 4000 ft: 9000 corp: 50/20Kb exec/s: 0 rss: 50Mb
#1234\tNEW    cov: 4001 ft: 9001 corp: 51/20Kb lim: 4096 exec/s: 600 rss: 50Mb L: 3/9 MS: 1 Custom-
#5678\tDONE   cov: 4001 ft: 9001 corp: 51/20Kb lim: 4096 exec/s: 599 rss: 50Mb
Done 5678 runs in 9 second(s)
";

    #[test]
    fn what_was_done_is_told_in_a_line() {
        assert_eq!(
            summary(LOG).as_deref(),
            Some("5678 executions (599 a second), coverage 4001, corpus 51 inputs")
        );
        assert_eq!(summary("INFO: nothing"), None);
    }

    #[test]
    fn what_was_found_is_told_with_its_input() {
        let log = "\
thread '<unnamed>' (7) panicked at fuzz/src/targets/request.rs:7:5:
a refusal has written something
==7== ERROR: libFuzzer: deadly signal
artifact_prefix='found/'; Test unit written to found/crash-0123
";
        assert_eq!(panic_of(log), Some("a refusal has written something"));
        assert_eq!(input_of(log), Some("found/crash-0123"));
    }
}
