//! Packages of a Debian system.

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::succeeds;
use crate::say;

/// Makes sure that what is called `name` is here: looks, says that it is `missing`, installs `packages`, and looks
/// again.
///
/// # Errors
///
/// It is not here. Names the command that a person must run.
pub(super) fn ensure(
    shell: &Shell,
    is_here: impl Fn() -> bool,
    missing: &str,
    name: &str,
    packages: &[&str],
) -> anyhow::Result<()> {
    if is_here() {
        return Ok(());
    }
    say(missing);
    let by_hand = format!(
        "install {name}; on Debian, as root: apt-get update && apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    install(shell, packages).with_context(|| by_hand.clone())?;
    ensure!(is_here(), by_hand);
    Ok(())
}

/// Installs `packages`, as root or by a `sudo` that asks nothing. Elsewhere it does nothing.
fn install(shell: &Shell, packages: &[&str]) -> anyhow::Result<()> {
    if !succeeds(cmd!(shell, "apt-get --version")) {
        return Ok(());
    }
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
    Ok(apt_get(&[&install[..], packages].concat())?)
}
