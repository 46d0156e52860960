//! Valgrind, which counts instructions, and the program that runs benchmarks in it.

use xshell::{Shell, cmd};

use super::{apt, cargo_tool, succeeds};
use crate::versions::{COUNTER, VALGRIND_PACKAGES};

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    let is_here = || succeeds(cmd!(shell, "valgrind --version"));
    let missing = "there is no valgrind";
    apt::ensure(shell, is_here, missing, "Valgrind", &VALGRIND_PACKAGES)?;
    cargo_tool::ensure(shell, &COUNTER)
}
