//! The driver as a package for JavaScript, `pkg/`: what is in git, and the module that is built.

use xshell::{Shell, cmd};

use crate::build::{WORKSPACE, program};
use crate::cargo::{on_host, on_wasm};
use crate::setup::{self, WasmToolchain};
use crate::versions::{NPM_FOLDER, WASM_TARGET};

/// Selects the driver for JavaScript. It has a folder of its own: the component, built in the same
/// one, would be overwritten.
pub(crate) const JAVASCRIPT: [&str; 6] = [
    "--package",
    "rhombus-driver",
    "--target",
    WASM_TARGET,
    "--target-dir",
    FOLDER,
];

/// From the workspace's root.
const FOLDER: &str = "target/js";

/// Fills `pkg`, for Node and for browsers, from one build.
pub(crate) fn build(shell: &Shell, wasm: WasmToolchain) -> anyhow::Result<()> {
    setup::for_package(shell)?;
    on_wasm(
        cmd!(shell, "cargo build {JAVASCRIPT...} --lib --profile pkg"),
        wasm,
    )
    .run()?;
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin js-pack")).run()?;
    let js_pack = program("js-pack")?;
    let module = format!("{FOLDER}/{WASM_TARGET}/pkg/rhombus_driver.wasm");
    let wasm_opt = format!("{NPM_FOLDER}/node_modules/.bin/wasm-opt");
    cmd!(shell, "{js_pack} {module} pkg {wasm_opt}").run()?;
    shell.copy_file("LICENSE", "pkg/LICENSE")?;
    Ok(())
}
