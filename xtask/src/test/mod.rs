//! All checks and tests, ended by one line that counts.

mod tally;

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use self::tally::Tally;
use crate::build::{self, COMPONENT, WORKSPACE};
use crate::cargo::{on_host, on_wasm};
use crate::say;

/// Runs everything up to the first step that fails, and prints the count whatever happens.
pub(crate) fn run(shell: &Shell) -> ExitCode {
    let mut tally = Tally::default();
    let outcome = steps(shell, &mut tally);
    if let Err(error) = &outcome {
        eprintln!("error: {error:#}");
    }
    #[expect(clippy::print_stdout, reason = "this is the command's result")]
    {
        println!("{}", tally.fixtures());
        println!("{}", tally.verdict(outcome.is_ok()));
    }
    if outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn steps(shell: &Shell, tally: &mut Tally) -> anyhow::Result<()> {
    let wasm = step("build", || build::run(shell))?.wasm;
    step("format", || {
        Ok(on_host(cmd!(shell, "cargo fmt --all --check")).run()?)
    })?;
    step("clippy", || {
        let clippy = cmd!(
            shell,
            "cargo clippy {WORKSPACE...} --all-targets -- -D warnings"
        );
        Ok(on_host(clippy).run()?)
    })?;
    step("clippy of the component", || {
        let clippy = cmd!(shell, "cargo clippy {COMPONENT...} -- -D warnings");
        Ok(on_wasm(clippy, wasm).run()?)
    })?;
    step("tests", || run_tests(shell, tally))?;
    step("documentation", || {
        let doc =
            cmd!(shell, "cargo doc {WORKSPACE...} --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        Ok(on_host(doc).run()?)
    })
}

fn step<T>(name: &str, run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    say(format_args!("step: {name}"));
    run().with_context(|| format!("step failed: {name}"))
}

/// Runs all tests of the workspace. What they print is passed on as it comes, and counted.
fn run_tests(shell: &Shell, tally: &mut Tally) -> anyhow::Result<()> {
    // cargo names on standard error what it runs, on standard output come the results: one pipe
    // for both keeps their order. Its own JSON lines tell which package a test program is from.
    let (output, input) = io::pipe()?;
    let tests = cmd!(shell, "cargo test {WORKSPACE...} --no-fail-fast")
        .args(["--message-format", "json-render-diagnostics"]);
    eprintln!("$ {tests}");
    let mut tests = Command::from(on_host(tests));
    tests.stdout(input.try_clone()?).stderr(input);
    let mut child = tests.spawn().context("cannot run cargo")?;
    drop(tests); // and with it our ends of the pipe, or the output would never end

    let mut stdout = io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        if tally.read(&String::from_utf8_lossy(&line)) {
            stdout.write_all(&line)?;
            stdout.write_all(b"\n")?;
        }
    }
    drop(stdout);
    let status = child.wait()?;
    let complete = tally.finish();
    ensure!(status.success(), "cargo test ended with {status}");
    complete
}
