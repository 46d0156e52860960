//! The gateway with the demo building.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;
use xshell::Shell;

use crate::build;
use crate::say;

/// The slot's own variable for the folder of its store. Its flag `--data` comes first.
const DATA: &str = "PLACEOS_SLOT_DATA";

/// Builds, then becomes `placeos-slot serve --demo`, so that signals and the exit code are its own.
/// The store is in `target/demo-site`, unless the caller names another folder.
pub(crate) fn run(shell: &Shell, arguments: &[OsString]) -> anyhow::Result<()> {
    let slot = build::run(shell)?.slot;
    let mut command = Command::new(&slot);
    command.args(["serve", "--demo"]).args(arguments);
    if env::var_os(DATA).is_none() {
        command.env(DATA, shell.current_dir().join("target/demo-site"));
    }
    say(format_args!("starting {}", slot.display()));
    Err(command.exec()).with_context(|| format!("cannot run {}", slot.display()))
}
