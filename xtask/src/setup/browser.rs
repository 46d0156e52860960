//! A browser that tests can drive, and the program that runs tests of wasm in it and in Node.

use xshell::{Shell, cmd};

use super::{apt, cargo_tool, succeeds};
use crate::versions::{BROWSER_PACKAGES, WASM_TESTS};

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    ensure_browser(shell)?;
    ensure_runner(shell)
}

/// What the browser says that it is.
///
/// # Errors
///
/// There is none.
pub(super) fn version(shell: &Shell) -> anyhow::Result<String> {
    let of = |program| {
        cmd!(shell, "{program} --version")
            .quiet()
            .ignore_stderr()
            .read()
    };
    Ok(of("chromium").or_else(|_| of("google-chrome"))?)
}

fn ensure_browser(shell: &Shell) -> anyhow::Result<()> {
    let missing = "there is no Chromium with its chromedriver";
    let name = "Chromium and chromedriver";
    apt::ensure(
        shell,
        || has_browser(shell),
        missing,
        name,
        &BROWSER_PACKAGES,
    )
}

/// chromedriver finds Chrome as well as Chromium.
fn has_browser(shell: &Shell) -> bool {
    let has = |program| succeeds(cmd!(shell, "{program} --version"));
    has("chromedriver") && (has("chromium") || has("google-chrome"))
}

/// It must be of the same version as the crate.
fn ensure_runner(shell: &Shell) -> anyhow::Result<()> {
    cargo_tool::ensure(shell, &WASM_TESTS)
}
