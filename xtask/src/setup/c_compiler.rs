//! A C compiler, for the C and assembly in the crate ring. (Rust's own linker step needs one too.)

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::succeeds;
use crate::say;
use crate::versions::C_COMPILER_PACKAGES;

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    if succeeds(cmd!(shell, "cc --version")) {
        return Ok(());
    }
    say("there is no C compiler `cc`");
    let packages = C_COMPILER_PACKAGES;
    let by_hand = format!(
        "install a C compiler; on Debian, as root: \
         apt-get update && apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    ensure!(succeeds(cmd!(shell, "apt-get --version")), "{by_hand}");

    let is_root = cmd!(shell, "id -u")
        .quiet()
        .read()
        .is_ok_and(|id| id == "0");
    let as_root: &[&str] = if is_root { &[] } else { &["sudo", "-n"] };
    // A minimal system has no package lists until they are asked for.
    let apt_get = [as_root, &["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]].concat();
    let (program, options) = apt_get.split_first().context("no program to run")?;
    cmd!(shell, "{program} {options...} update")
        .run()
        .context(by_hand.clone())?;
    cmd!(
        shell,
        "{program} {options...} install --yes --no-install-recommends {packages...}"
    )
    .run()
    .context(by_hand.clone())?;
    ensure!(succeeds(cmd!(shell, "cc --version")), "{by_hand}");
    Ok(())
}
