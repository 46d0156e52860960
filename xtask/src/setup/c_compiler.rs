//! A C compiler, for the C and assembly in the crate ring. (Rust's own linker step needs one too.)

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::{apt, succeeds};
use crate::say;
use crate::versions::C_COMPILER_PACKAGES;

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    if is_here(shell) {
        return Ok(());
    }
    say("there is no C compiler `cc`");
    let by_hand = format!(
        "install a C compiler; {}",
        apt::by_hand(&C_COMPILER_PACKAGES)
    );
    apt::install(shell, &C_COMPILER_PACKAGES).with_context(|| by_hand.clone())?;
    ensure!(is_here(shell), by_hand);
    Ok(())
}

fn is_here(shell: &Shell) -> bool {
    succeeds(cmd!(shell, "cc --version"))
}
