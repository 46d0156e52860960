//! cargo-fuzz, which builds programs for libFuzzer; and a C++ compiler, for libFuzzer itself.

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::{apt, c_compiler, cargo_tool, succeeds};
use crate::say;
use crate::versions::{CPP_COMPILER_PACKAGES, FUZZ};

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    c_compiler::ensure(shell)?;
    ensure_cpp_compiler(shell)?;
    cargo_tool::ensure(shell, &FUZZ)
}

fn ensure_cpp_compiler(shell: &Shell) -> anyhow::Result<()> {
    let is_here = || succeeds(cmd!(shell, "c++ --version"));
    if is_here() {
        return Ok(());
    }
    say("there is no C++ compiler `c++`");
    let by_hand = format!(
        "install a C++ compiler; {}",
        apt::by_hand(&CPP_COMPILER_PACKAGES)
    );
    apt::install(shell, &CPP_COMPILER_PACKAGES).with_context(|| by_hand.clone())?;
    ensure!(is_here(), by_hand);
    Ok(())
}
