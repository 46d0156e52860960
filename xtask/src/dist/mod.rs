//! What ships: the slot, one static program, which runs where there is nothing else; the package for
//! JavaScript; and what is in them, with their sums.

mod contents;
mod reproduce;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::build;
use crate::cargo::on_host;
use crate::flags::Dist;
use crate::package::PACKAGE;
use crate::paths::Paths;
use crate::say;
use crate::setup::{self, WasmToolchain};
use crate::versions::STATIC_TARGET;
use crate::web;

/// Where it is put, from the workspace's root.
const FOLDER: &str = "target/dist";
/// The sums of the files there, as `sha256sum --check` reads them.
const SUMS: &str = "SHA256SUMS";
/// It must be smaller, in bytes.
const LIMIT: u64 = 12_000_000;

/// Makes all of it; and has the slot run in an empty root, if that is asked. Or makes it twice, and
/// compares.
pub(crate) fn run(shell: &Shell, flags: &Dist) -> anyhow::Result<()> {
    if flags.reproduce {
        return reproduce::run(shell);
    }
    let folder = shell.create_dir(FOLDER)?;
    for file in files(&shell.current_dir().join(folder))? {
        shell.remove_path(file)?;
    }
    let slot = build(shell)?;
    pack(shell)?;
    contents::list(shell, &slot)?;
    sum(shell)?;
    if flags.empty_root {
        setup::for_redis(shell)?;
        let rig = build::optimised_rig(shell)?;
        cmd!(shell, "{rig} --slot {slot} empty-root").run()?;
    }
    Ok(())
}

/// Makes the slot; answers where it is.
///
/// # Errors
///
/// It cannot be made, or is too large.
pub(crate) fn build(shell: &Shell) -> anyhow::Result<PathBuf> {
    let wasm = build::optimised_module(shell)?;
    web::build(shell, wasm)?;
    let built = static_program(shell, "placeos-slot")?;
    let folder = shell.create_dir(FOLDER)?;
    let program = shell.current_dir().join(folder).join("placeos-slot");
    // Whatever runs from there goes on running.
    shell.remove_path(&program)?;
    shell.copy_file(built, &program)?;
    paths(shell)?.ensure_absent(&program)?;

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

/// Builds a program as the slot is built that ships; it is the only one of a package of its name. The module
/// and the pages that the slot carries are there. Answers where it is.
pub(crate) fn static_program(shell: &Shell, name: &str) -> anyhow::Result<PathBuf> {
    setup::for_dist(shell)?;
    let program = ["--package", name, "--bin", name];
    let build = cmd!(
        shell,
        "cargo build --locked --profile dist --target {STATIC_TARGET} {program...}"
    );
    paths(shell)?.hidden(on_host(build), STATIC_TARGET)?.run()?;
    build::program(&format!("../{STATIC_TARGET}/dist/{name}"))
}

/// Of this machine's own toolchain, which is the wasm one unless set-up had to make that.
fn paths(shell: &Shell) -> anyhow::Result<Paths> {
    Paths::of(shell, WasmToolchain::Active)
}

/// Packs the package, which was made for the slot's pages, as npm publishes it; answers where it is, from
/// the workspace's root.
pub(crate) fn pack(shell: &Shell) -> anyhow::Result<PathBuf> {
    let pack = ["--pack-destination", FOLDER, "--silent"];
    let name = cmd!(shell, "npm pack ./{PACKAGE} {pack...}").read()?;
    Ok(Path::new(FOLDER).join(name))
}

/// Writes the sums of all files there, and prints them.
fn sum(shell: &Shell) -> anyhow::Result<()> {
    let _folder = shell.push_dir(FOLDER);
    let files = files(&shell.current_dir())?;
    let names = files.iter().filter_map(|file| file.file_name());
    let sums = cmd!(shell, "sha256sum {names...}").read()?;
    shell.write_file(SUMS, format!("{sums}\n"))?;
    #[expect(clippy::print_stdout, reason = "this is the command's result")]
    {
        println!("{sums}");
    }
    Ok(())
}

/// What ships of what is in that folder, by name. Cargo has folders of its own there, and hidden files.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if entry.file_type()?.is_file() && !is_hidden {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
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
