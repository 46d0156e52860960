//! A store of this version, for the tests of later ones.

use xshell::{Shell, cmd};

use crate::build::{self, WORKSPACE};
use crate::cargo::on_host;

/// Where they are, from the workspace's root.
const FOLDER: &str = "slot/tests/upgrade/stores";
/// This version's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Builds, then has the rig make it. Fails if this version has one: it is made once, when a version is
/// released.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let slot = build::run(shell)?.slot;
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin rig")).run()?;
    let rig = build::program("rig")?;
    Ok(cmd!(
        shell,
        "{rig} --slot {slot} store-fixture {FOLDER}/{VERSION}"
    )
    .run()?)
}
