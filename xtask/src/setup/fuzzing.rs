//! cargo-fuzz, which builds programs for libFuzzer; and a C++ compiler, for libFuzzer itself.

use xshell::{Shell, cmd};

use super::{apt, c_compiler, cargo_tool, succeeds};
use crate::versions::{CPP_COMPILER_PACKAGES, FUZZ};

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    c_compiler::ensure(shell)?;
    let is_here = || succeeds(cmd!(shell, "c++ --version"));
    let missing = "there is no C++ compiler `c++`";
    apt::ensure(
        shell,
        is_here,
        missing,
        "a C++ compiler",
        &CPP_COMPILER_PACKAGES,
    )?;
    cargo_tool::ensure(shell, &FUZZ)
}
