//! `cargo xtask`: every command of the README and of CI.
//!
//! It leans on three small crates only, because a newcomer waits for this program first.

mod bench;
mod build;
mod cargo;
mod crash;
mod deny;
mod dist;
mod flags;
mod fuzz;
mod micro;
mod mutants;
mod package;
mod paths;
mod sabotage;
mod serve;
mod setup;
mod simulate;
mod store_fixture;
mod test;
mod versions;
mod web;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use xshell::Shell;

use flags::{CargoXtask, CargoXtaskCmd};

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).collect();
    let flags = CargoXtask::parse(arguments).unwrap_or_else(|reason| reason.exit());
    match run(flags.subcommand) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: CargoXtaskCmd) -> anyhow::Result<ExitCode> {
    let shell = Shell::new()?;
    shell.change_dir(root()?);
    match command {
        CargoXtaskCmd::Setup(_) => {
            setup::run(&shell)?;
            setup::for_package(&shell)?;
            setup::for_web(&shell)?;
            setup::for_browser(&shell)?;
            setup::for_redis(&shell)?;
            setup::for_python(&shell)?;
            setup::for_counting(&shell)?;
            setup::for_fuzzing(&shell)?;
            setup::for_dist(&shell)?;
            say("all tools are here");
        }
        CargoXtaskCmd::Build(_) => {
            let wasm = build::run(&shell)?.wasm;
            build::for_tests(&shell, wasm)?;
        }
        CargoXtaskCmd::Mutants(_) => mutants::run(&shell)?,
        CargoXtaskCmd::Sabotage(_) => sabotage::run(&shell)?,
        CargoXtaskCmd::Serve(serve) => serve::run(&shell, &serve.args)?,
        CargoXtaskCmd::Bench(bench) => bench::run(&shell, &bench)?,
        CargoXtaskCmd::Crash(crash) => crash::run(&shell, &crash)?,
        CargoXtaskCmd::Fuzz(fuzz) => fuzz::run(&shell, &fuzz)?,
        CargoXtaskCmd::Deny(deny) => deny::run(&shell, &deny)?,
        CargoXtaskCmd::Dist(dist) => dist::run(&shell, &dist)?,
        CargoXtaskCmd::Simulate(simulate) => simulate::run(&shell, &simulate)?,
        CargoXtaskCmd::StoreFixture(_) => store_fixture::run(&shell)?,
        CargoXtaskCmd::Test(_) => return Ok(test::run(&shell)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder of the workspace.
fn root() -> anyhow::Result<&'static Path> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .context("the package xtask is not in a workspace")
}

/// Tells the person at the terminal what is going on. Standard output is for results.
fn say(text: impl std::fmt::Display) {
    eprintln!("xtask: {text}");
}
