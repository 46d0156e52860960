//! A C compiler, for the C and assembly in the crate ring. (Rust's own linker step needs one too.)

use xshell::{Shell, cmd};

use super::{apt, succeeds};
use crate::versions::C_COMPILER_PACKAGES;

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    let is_here = || succeeds(cmd!(shell, "cc --version"));
    let missing = "there is no C compiler `cc`";
    apt::ensure(
        shell,
        is_here,
        missing,
        "a C compiler",
        &C_COMPILER_PACKAGES,
    )
}
