//! What links a program statically: Rust's target with musl, a C library made for that, and a C compiler
//! for musl, for the C in crates.

use std::path::Path;

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::{apt, rustup, succeeds};
use crate::versions::{MUSL_PACKAGES, STATIC_TARGET};

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    ensure_target(shell)?;
    ensure_c_compiler(shell)
}

fn ensure_target(shell: &Shell) -> anyhow::Result<()> {
    if has_target(shell) {
        return Ok(());
    }
    let by_hand = format!("{STATIC_TARGET} is missing; run: rustup target add {STATIC_TARGET}");
    rustup::run_within_limit(shell, &["target", "add", STATIC_TARGET])
        .with_context(|| by_hand.clone())?;
    ensure!(has_target(shell), by_hand);
    Ok(())
}

fn has_target(shell: &Shell) -> bool {
    let libraries = cmd!(
        shell,
        "rustc --print target-libdir --target {STATIC_TARGET}"
    )
    .quiet()
    .ignore_stderr()
    .read();
    libraries.is_ok_and(|folder| Path::new(&folder).is_dir())
}

fn ensure_c_compiler(shell: &Shell) -> anyhow::Result<()> {
    let is_here = || succeeds(cmd!(shell, "musl-gcc --version"));
    let missing = "there is no C compiler for musl";
    apt::ensure(shell, is_here, missing, "musl-gcc", &MUSL_PACKAGES)
}
