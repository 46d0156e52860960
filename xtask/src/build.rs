//! The driver as a component, and the slot that carries it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::cargo::{on_host, on_wasm};
use crate::micro;
use crate::paths::Paths;
use crate::say;
use crate::setup::{self, WasmToolchain};
use crate::versions::WASM_TARGET;
use crate::web;

/// Selects all of the workspace, for every program and for the tests: so cargo chooses the same
/// features of each crate, and compiles it once.
pub(crate) const WORKSPACE: [&str; 4] = [
    "--locked",
    "--workspace",
    "--features",
    "slot-engine/compile",
];

/// Selects the driver as a component.
pub(crate) const COMPONENT: [&str; 11] = [
    "--locked",
    "--package",
    "rhombus-driver",
    "--lib",
    "--no-default-features",
    "--features",
    "component",
    "--target",
    WASM_TARGET,
    "--target-dir",
    MODULE,
];

/// Selects the component that does harm, for tests of the slot.
pub(crate) const HOSTILE: [&str; 8] = [
    "--locked",
    "--package",
    "hostile",
    "--lib",
    "--target",
    WASM_TARGET,
    "--target-dir",
    MODULE,
];

/// Where the module is built, from the workspace's root. Apart from cargo's own folder, as its
/// compiler may be another one; at a fixed place, as the slot's build script reads it there.
pub(crate) const MODULE: &str = "target/module";

/// Where the optimised module is put, from the workspace's root; the slot's build script reads it there.
const OPTIMISED: &str = "target/module/optimised";

/// The optimised module as a component, and as the slot carries it.
pub(crate) const COMPONENT_FILE: &str = "target/module/optimised/rhombus_driver.component.wasm";
pub(crate) const COMPILED_FILE: &str = "target/module/optimised/rhombus_driver.cwasm";

/// What was built.
pub(crate) struct Built {
    /// The program placeos-slot.
    pub(crate) slot: PathBuf,
    /// What compiled the module.
    pub(crate) wasm: WasmToolchain,
}

/// Sets up, and builds all that `serve` runs.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<Built> {
    let wasm = setup::run(shell)?;

    on_wasm(cmd!(shell, "cargo build {COMPONENT...}"), wasm).run()?;
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin slot-compile")).run()?;
    let module = format!("{MODULE}/{WASM_TARGET}/debug/rhombus_driver.wasm");
    let slot_compile = program("slot-compile")?;
    cmd!(shell, "{slot_compile} {module} {MODULE}").run()?;
    web::build(shell, wasm)?;
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin placeos-slot")).run()?;
    let slot = program("placeos-slot")?;

    let root = shell.current_dir();
    say_size("core module", &root.join(module))?;
    say_size(
        "component",
        &root.join(MODULE).join("rhombus_driver.component.wasm"),
    )?;
    say_size(
        "component, compiled",
        &root.join(MODULE).join("rhombus_driver.cwasm"),
    )?;
    say_size("slot", &slot)?;
    Ok(Built { slot, wasm })
}

/// Builds what the tests of the slot and of the rig need beside it.
pub(crate) fn for_tests(shell: &Shell, wasm: WasmToolchain) -> anyhow::Result<()> {
    on_wasm(cmd!(shell, "cargo build {HOSTILE...}"), wasm).run()?;
    micro::for_tests(shell, wasm)
}

/// Sets up, and builds the optimised module, for the slot that ships. Answers what compiled it.
pub(crate) fn optimised_module(shell: &Shell) -> anyhow::Result<WasmToolchain> {
    let wasm = setup::run(shell)?;
    let paths = Paths::of(shell, wasm)?;
    let build = cmd!(shell, "cargo build {COMPONENT...} --profile module");
    paths.hidden(on_wasm(build, wasm), WASM_TARGET)?.run()?;
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin slot-compile")).run()?;
    let module = format!("{MODULE}/{WASM_TARGET}/module/rhombus_driver.wasm");
    paths.ensure_absent(&shell.current_dir().join(&module))?;
    let slot_compile = program("slot-compile")?;
    shell.create_dir(OPTIMISED)?;
    cmd!(shell, "{slot_compile} {module} {OPTIMISED}").run()?;
    Ok(wasm)
}

/// Builds the program that measures the slot, optimised; answers where it is.
pub(crate) fn optimised_rig(shell: &Shell) -> anyhow::Result<PathBuf> {
    on_host(cmd!(
        shell,
        "cargo build --locked --release --package rig --bins"
    ))
    .run()?;
    program("../release/rig")
}

/// A program of the workspace: cargo puts it beside this one, wherever that is, and optimised ones into
/// the folder beside.
pub(crate) fn program(name: &str) -> anyhow::Result<PathBuf> {
    let own = env::current_exe().context("cannot tell where this program is")?;
    let program = own.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
    ensure!(
        program.exists(),
        "{} was not built; start this program by `cargo xtask`, without a profile",
        program.display()
    );
    Ok(program)
}

fn say_size(what: &str, file: &Path) -> anyhow::Result<()> {
    let size = fs::metadata(file)
        .with_context(|| format!("there is no {}", file.display()))?
        .len();
    say(format_args!(
        "{:>9.1} kB  {what}: {}",
        size as f64 / 1000.0,
        file.display()
    ));
    Ok(())
}
