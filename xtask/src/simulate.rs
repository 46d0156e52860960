//! Random histories of the driver, held to laws.

use xshell::{Shell, cmd};

use crate::build::{self, WORKSPACE};
use crate::cargo::on_host;
use crate::flags::Simulate;

/// Builds the simulation, and runs it.
pub(crate) fn run(shell: &Shell, simulate: &Simulate) -> anyhow::Result<()> {
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin simulate")).run()?;
    let program = build::program("simulate")?;
    let histories = simulate
        .histories
        .map(|count| ["--histories".to_owned(), count.to_string()]);
    let seed = simulate
        .seed
        .map(|seed| ["--seed".to_owned(), seed.to_string()]);
    let numbers = histories.iter().chain(&seed).flatten();
    let trace = simulate.trace.then_some("--trace");
    Ok(cmd!(shell, "{program} {numbers...} {trace...}").run()?)
}
