//! A browser that tests can drive, and the program that runs tests of wasm in it and in Node.

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::{apt, succeeds};
use crate::cargo::without_host_compiler;
use crate::say;
use crate::versions::{BROWSER_PACKAGES, TOOLS, WASM_BINDGEN};

/// The test runner, from the workspace's root.
pub(crate) const TEST_RUNNER: &str = "target/tools/bin/wasm-bindgen-test-runner";

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    ensure_browser(shell)?;
    ensure_runner(shell)
}

fn ensure_browser(shell: &Shell) -> anyhow::Result<()> {
    if has_browser(shell) {
        return Ok(());
    }
    say("there is no Chromium with its chromedriver");
    let by_hand = format!(
        "install Chromium and chromedriver; {}",
        apt::by_hand(&BROWSER_PACKAGES)
    );
    apt::install(shell, &BROWSER_PACKAGES).with_context(|| by_hand.clone())?;
    ensure!(has_browser(shell), by_hand);
    Ok(())
}

/// chromedriver finds Chrome as well as Chromium.
fn has_browser(shell: &Shell) -> bool {
    let has = |program| succeeds(cmd!(shell, "{program} --version"));
    has("chromedriver") && (has("chromium") || has("google-chrome"))
}

/// It must be of the same version as the crate. What it is built in goes away again.
fn ensure_runner(shell: &Shell) -> anyhow::Result<()> {
    let version = cmd!(shell, "{TEST_RUNNER} --version")
        .quiet()
        .ignore_stderr()
        .read();
    if version.is_ok_and(|version| version.split(' ').nth(1) == Some(WASM_BINDGEN)) {
        return Ok(());
    }
    say("building the runner of wasm tests, once; it takes some minutes");
    let install = cmd!(
        shell,
        "cargo install wasm-bindgen-cli --version {WASM_BINDGEN} --root {TOOLS} --force"
    );
    without_host_compiler(install).run()?;
    Ok(())
}
