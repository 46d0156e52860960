//! The slot, killed while events flow.

use xshell::{Shell, cmd};

use crate::build::{self, WORKSPACE};
use crate::cargo::on_host;
use crate::flags::Crash;
use crate::setup;

/// Builds, then has the rig kill the slot.
pub(crate) fn run(shell: &Shell, crash: &Crash) -> anyhow::Result<()> {
    let store = crash.store.as_deref().unwrap_or("redb");
    if store == "redis" {
        setup::for_redis(shell)?;
    }
    let slot = build::run(shell)?.slot;
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin rig")).run()?;
    let rig = build::program("rig")?;
    let kills = crash.kills.unwrap_or(20).to_string();
    let seed = crash
        .seed
        .map(|seed| ["--seed".to_owned(), seed.to_string()]);
    let seed = seed.iter().flatten();
    let crash = ["--store", store, "--kills", &kills];
    Ok(cmd!(shell, "{rig} --slot {slot} crash {crash...} {seed...}").run()?)
}
