//! Node, and the npm packages of a folder.

use std::fs;

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::say;
use crate::versions::OLDEST_NODE;

/// `purpose` says what they are there for.
pub(super) fn ensure(shell: &Shell, folder: &str, purpose: &str) -> anyhow::Result<()> {
    let version = cmd!(shell, "node --version").quiet().ignore_stderr().read();
    let is_new_enough = version.is_ok_and(|version| {
        let major = version.trim_start_matches('v').split('.').next();
        major.is_some_and(|major| major.parse().is_ok_and(|major: u32| major >= OLDEST_NODE))
    });
    ensure!(
        is_new_enough && super::succeeds(cmd!(shell, "npm --version")),
        "Node {OLDEST_NODE} or later with npm is missing; on Debian: apt-get install nodejs npm, and \
         where that is an older one also npm install --global node@{OLDEST_NODE}"
    );
    if is_installed(shell, folder) {
        return Ok(());
    }
    say(format_args!("fetching the npm packages that {purpose}"));
    cmd!(shell, "npm ci --prefix {folder} --no-audit --no-fund")
        .run()
        .with_context(|| format!("run: npm ci --prefix {folder}"))
}

/// npm writes what it has installed when it is done.
fn is_installed(shell: &Shell, folder: &str) -> bool {
    let folder = shell.current_dir().join(folder);
    let written = |path| fs::metadata(folder.join(path)).and_then(|file| file.modified());
    match (
        written("node_modules/.package-lock.json"),
        written("package-lock.json"),
    ) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}
