//! A C compiler, for the C and assembly in the crate ring. (Rust's own linker step needs one too.)

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::succeeds;
use crate::say;
use crate::versions::C_COMPILER_PACKAGES;

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    if is_here(shell) {
        return Ok(());
    }
    say("there is no C compiler `cc`");
    let by_hand = format!(
        "install a C compiler; on Debian, as root: \
         apt-get update && apt-get install --no-install-recommends {}",
        C_COMPILER_PACKAGES.join(" ")
    );
    if succeeds(cmd!(shell, "apt-get --version")) {
        install(shell).with_context(|| by_hand.clone())?;
    }
    ensure!(is_here(shell), by_hand);
    Ok(())
}

fn is_here(shell: &Shell) -> bool {
    succeeds(cmd!(shell, "cc --version"))
}

fn install(shell: &Shell) -> anyhow::Result<()> {
    let is_root = cmd!(shell, "id -u").quiet().read()? == "0";
    let (program, before): (_, &[&str]) = if is_root {
        ("apt-get", &[])
    } else {
        ("sudo", &["-n", "apt-get"])
    };
    let apt_get = |arguments: &[&str]| {
        cmd!(
            shell,
            "{program} {before...} -q -o DPkg::Lock::Timeout=300 {arguments...}"
        )
        .run()
    };
    // A minimal system has no package lists until they are asked for.
    apt_get(&["update"])?;
    let install = ["install", "--yes", "--no-install-recommends"];
    Ok(apt_get(&[&install[..], &C_COMPILER_PACKAGES].concat())?)
}
