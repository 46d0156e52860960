//! Packages of a Debian system.

use xshell::{Shell, cmd};

use super::succeeds;

/// The command by which a person installs `packages`.
pub(super) fn by_hand(packages: &[&str]) -> String {
    format!(
        "on Debian, as root: apt-get update && apt-get install --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Installs `packages`, as root or by a `sudo` that asks nothing. Elsewhere it does nothing.
pub(super) fn install(shell: &Shell, packages: &[&str]) -> anyhow::Result<()> {
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
