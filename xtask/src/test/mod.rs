//! All checks and tests, ended by one line that counts.

mod instructions;
mod proofs;
mod tally;

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use xshell::{Cmd, Shell, cmd};

use self::tally::Tally;
use crate::build::{self, COMPONENT, HOSTILE, WORKSPACE};
use crate::cargo::{on_host, on_wasm};
use crate::micro::WASM as MICRO;
use crate::package::JAVASCRIPT;
use crate::say;
use crate::setup;
use crate::versions::{NPM_FOLDER, WASM_TESTS, WEB_FOLDER};

/// Runs everything up to the first step that fails, and prints the count whatever happens.
pub(crate) fn run(shell: &Shell) -> ExitCode {
    let mut tally = Tally::default();
    let outcome = steps(shell, &mut tally);
    if let Err(error) = &outcome {
        eprintln!("error: {error:#}");
    }
    #[expect(clippy::print_stdout, reason = "this is the command's result")]
    {
        for proof in tally.proofs() {
            println!("{proof}");
        }
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
    step("what tests need beside it", || {
        build::for_tests(shell, wasm)
    })?;
    step("browser", || setup::for_browser(shell))?;
    step("redis", || setup::for_redis(shell))?;
    step("python", || setup::for_python(shell))?;
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
    step("clippy of the hostile component", || {
        let clippy = cmd!(shell, "cargo clippy {HOSTILE...} -- -D warnings");
        Ok(on_wasm(clippy, wasm).run()?)
    })?;
    step("clippy of the work of an event as a module", || {
        let clippy = cmd!(shell, "cargo clippy {MICRO...} -- -D warnings");
        Ok(on_wasm(clippy, wasm).run()?)
    })?;
    step("clippy of the package's module", || {
        let tests = ["--lib", "--test", "node", "--test", "web"];
        let clippy = cmd!(
            shell,
            "cargo clippy {JAVASCRIPT...} {tests...} -- -D warnings"
        );
        Ok(on_wasm(clippy, wasm).run()?)
    })?;
    step("tests", || {
        // Its JSON lines tell which package a test program is from.
        let tests = cmd!(shell, "cargo test {WORKSPACE...} --no-fail-fast")
            .args(["--message-format", "json-render-diagnostics"]);
        count(on_host(tests), tally)
    })?;
    for (place, test) in [("Node", "node"), ("Chrome", "web")] {
        step(&format!("tests in {place}"), || {
            let runner = setup::tool(shell, &WASM_TESTS);
            let tests = cmd!(
                shell,
                "cargo test {JAVASCRIPT...} --test {test} -- --nocapture"
            )
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
            .env("CHROMEDRIVER", "chromedriver");
            count(on_wasm(tests, wasm), tally)
        })?;
    }
    step("instructions", || instructions::run(shell, tally))?;
    step("tests of the package", || {
        // Some of them run cargo.
        let tests = cmd!(shell, "npm test --prefix {NPM_FOLDER}");
        count(on_host(tests), tally)
    })?;
    step("tests of the pages", || {
        count(cmd!(shell, "npm test --prefix {WEB_FOLDER}"), tally)
    })?;
    tally.finish()?;
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

/// Runs tests. What they print is passed on as it comes, and counted.
fn count(tests: Cmd<'_>, tally: &mut Tally) -> anyhow::Result<()> {
    // cargo names on standard error what it runs, on standard output come the results: one pipe
    // for both keeps their order.
    let (output, input) = io::pipe()?;
    eprintln!("$ {tests}");
    let mut tests = Command::from(tests);
    tests.stdout(input.try_clone()?).stderr(input);
    let mut child = tests.spawn().context("cannot run the tests")?;
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
    tally.end_suite();
    ensure!(status.success(), "the tests ended with {status}");
    Ok(())
}
