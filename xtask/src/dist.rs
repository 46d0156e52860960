//! The slot as it ships: one static program, which runs where there is nothing else.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::build;
use crate::cargo::on_host;
use crate::flags::Dist;
use crate::paths::Paths;
use crate::say;
use crate::setup::{self, WasmToolchain};
use crate::versions::STATIC_TARGET;
use crate::web;

/// Where it is put, from the workspace's root.
const FOLDER: &str = "target/dist";
/// It must be smaller, in bytes.
const LIMIT: u64 = 12_000_000;

/// Makes it; and has it run in an empty root, if that is asked.
pub(crate) fn run(shell: &Shell, flags: &Dist) -> anyhow::Result<()> {
    let slot = build(shell)?;
    if flags.empty_root {
        setup::for_redis(shell)?;
        let rig = build::optimised_rig(shell)?;
        cmd!(shell, "{rig} --slot {slot} empty-root").run()?;
    }
    Ok(())
}

/// Makes it; answers where it is.
///
/// # Errors
///
/// It cannot be made, or is too large.
pub(crate) fn build(shell: &Shell) -> anyhow::Result<PathBuf> {
    let wasm = build::optimised_module(shell)?;
    web::build(shell, wasm)?;
    setup::for_dist(shell)?;
    let slot = ["--package", "placeos-slot", "--bin", "placeos-slot"];
    // This machine's own toolchain, which is the wasm one unless set-up had to make that.
    let paths = Paths::of(shell, WasmToolchain::Active)?;
    let build = cmd!(
        shell,
        "cargo build --locked --profile dist --target {STATIC_TARGET} {slot...}"
    );
    paths.hidden(on_host(build), STATIC_TARGET)?.run()?;
    let built = build::program(&format!("../{STATIC_TARGET}/dist/placeos-slot"))?;
    let folder = shell.create_dir(FOLDER)?;
    let program = shell.current_dir().join(folder).join("placeos-slot");
    // Whatever runs from there goes on running.
    shell.remove_path(&program)?;
    shell.copy_file(built, &program)?;
    paths.ensure_absent(&program)?;

    let size = fs::metadata(&program)
        .with_context(|| format!("there is no {}", program.display()))?
        .len();
    let megabytes = size as f64 / 1e6;
    say(format_args!("{megabytes:.2} MB  {}", program.display()));
    ensure!(
        size < LIMIT,
        "the program has {megabytes:.2} MB, and must have less than {} MB",
        LIMIT / 1_000_000
    );
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Features of all that is in the program, and of nothing else, are what cargo chooses.
    #[test]
    fn there_is_no_compiler_in_it() {
        let shell = Shell::new().unwrap();
        shell.change_dir(crate::root().unwrap());
        let packages = |arguments: &[&str]| {
            let tree = cmd!(
                shell,
                "cargo tree --offline --package placeos-slot --prefix none"
            );
            let tree = on_host(tree.args(arguments)).quiet().read().unwrap();
            let packages: Vec<_> = tree.lines().map(str::to_owned).collect();
            packages
        };
        let has = |packages: &[String], name: &str| {
            let name = format!("{name} v");
            packages.iter().any(|package| package.starts_with(&name))
        };
        let shipped = packages(&["--edges", "normal"]);
        assert!(has(&shipped, "wasmtime"));
        assert!(!has(&shipped, "cranelift-codegen"));
        // It is there for the tests.
        let tested = packages(&["--edges", "normal,dev", "--features", "slot-engine/compile"]);
        assert!(has(&tested, "cranelift-codegen"));
    }
}
