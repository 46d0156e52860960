//! Valgrind, which counts instructions, and the program that runs benchmarks in it.

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::{apt, cargo_tool, succeeds};
use crate::say;
use crate::versions::{COUNTER, VALGRIND_PACKAGES};

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    ensure_valgrind(shell)?;
    cargo_tool::ensure(shell, &COUNTER)
}

fn ensure_valgrind(shell: &Shell) -> anyhow::Result<()> {
    let is_here = || succeeds(cmd!(shell, "valgrind --version"));
    if is_here() {
        return Ok(());
    }
    say("there is no valgrind");
    let by_hand = format!("install Valgrind; {}", apt::by_hand(&VALGRIND_PACKAGES));
    apt::install(shell, &VALGRIND_PACKAGES).with_context(|| by_hand.clone())?;
    ensure!(is_here(), by_hand);
    Ok(())
}
