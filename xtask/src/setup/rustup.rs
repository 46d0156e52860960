//! What rustup can fetch, within a limit of time: where its server is out of reach, a connection
//! may hang for ever.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use xshell::{Shell, cmd};

use super::succeeds;
use crate::say;
use crate::versions::{COMPONENTS, OWN_TOOLCHAIN, RUSTUP_LIMIT};

/// How often to say that rustup still runs: into a file, it shows no progress of its own.
const REPORT_EVERY: Duration = Duration::from_secs(15);

pub(super) fn has_components(shell: &Shell) -> bool {
    succeeds(cmd!(shell, "cargo clippy --version")) && succeeds(cmd!(shell, "cargo fmt --version"))
}

pub(super) fn ensure_components(shell: &Shell) -> anyhow::Result<()> {
    if has_components(shell) {
        return Ok(());
    }
    let by_hand = format!(
        "clippy or rustfmt is missing; run: rustup component add {}",
        COMPONENTS.join(" ")
    );
    let arguments = [&["component", "add"][..], &COMPONENTS].concat();
    run_within_limit(shell, &arguments).with_context(|| by_hand.clone())?;
    ensure!(has_components(shell), by_hand);
    Ok(())
}

/// Runs rustup, which says on standard error what it does, for [`RUSTUP_LIMIT`] at most.
pub(super) fn run_within_limit(shell: &Shell, arguments: &[&str]) -> anyhow::Result<()> {
    let command = cmd!(shell, "rustup {arguments...}");
    let limit = RUSTUP_LIMIT.as_secs();
    say(format_args!("{command} (at most {limit} s)"));
    let mut child = Command::from(command)
        .spawn()
        .context("cannot run rustup")?;
    let start = Instant::now();
    let mut next_report = REPORT_EVERY;
    while start.elapsed() < RUSTUP_LIMIT {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "rustup failed ({status})");
            return Ok(());
        }
        if start.elapsed() >= next_report {
            say(format_args!(
                "rustup is still at work after {} s",
                next_report.as_secs()
            ));
            next_report += REPORT_EVERY;
        }
        thread::sleep(Duration::from_millis(100));
    }
    child.kill()?;
    child.wait()?;
    bail!("rustup took longer than {limit} s and was stopped")
}

/// Where set-up keeps what it makes for this rustup: with rustup's own, so that both are removed
/// together.
pub(super) fn own_folder(shell: &Shell) -> anyhow::Result<PathBuf> {
    let home = cmd!(shell, "rustup show home").quiet().read().context(
        "something of Rust is missing and there is no rustup to add it; \
         install Rust as https://rustup.rs says",
    )?;
    Ok(PathBuf::from(home).join(OWN_TOOLCHAIN))
}
