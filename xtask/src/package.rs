//! The driver as a package for JavaScript, `pkg/`: what is in git, and the module that is built.

use std::fs;
use std::path::Path;

use xshell::{Shell, cmd};

use crate::build::{WORKSPACE, program};
use crate::cargo::{on_host, on_wasm};
use crate::paths::Paths;
use crate::setup::{self, WasmToolchain};
use crate::versions::{NPM_FOLDER, WASM_TARGET};

/// Selects the driver for JavaScript. It has a folder of its own: the component, built in the same
/// one, would be overwritten.
pub(crate) const JAVASCRIPT: [&str; 7] = [
    "--locked",
    "--package",
    "rhombus-driver",
    "--target",
    WASM_TARGET,
    "--target-dir",
    FOLDER,
];

/// From the workspace's root.
const FOLDER: &str = "target/js";

/// The package's folder, from the workspace's root.
pub(crate) const PACKAGE: &str = "pkg";

/// What is put into it when all else is there.
const LAST: &str = "LICENSE";

/// Fills `pkg`, for Node and for browsers, from one build; leaves it alone if nothing has changed.
pub(crate) fn build(shell: &Shell, wasm: WasmToolchain) -> anyhow::Result<()> {
    setup::for_package(shell)?;
    let paths = Paths::of(shell, wasm)?;
    let build = cmd!(shell, "cargo build {JAVASCRIPT...} --lib --profile pkg");
    paths.hidden(on_wasm(build, wasm), WASM_TARGET)?.run()?;
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin js-pack")).run()?;
    let js_pack = program("js-pack")?;
    let module = format!("{FOLDER}/{WASM_TARGET}/pkg/rhombus_driver.wasm");
    let tools = format!("{NPM_FOLDER}/package-lock.json");
    if is_filled_since(shell, &[Path::new(&module), &js_pack, Path::new(&tools)]) {
        return Ok(());
    }
    let wasm_opt = format!("{NPM_FOLDER}/node_modules/.bin/wasm-opt");
    cmd!(shell, "{js_pack} {module} {PACKAGE} {wasm_opt}").run()?;
    paths.ensure_absent(
        &shell
            .current_dir()
            .join(PACKAGE)
            .join("rhombus_driver_bg.wasm"),
    )?;
    shell.copy_file("LICENSE", format!("{PACKAGE}/{LAST}"))?;
    Ok(())
}

/// Whether `pkg` was filled after all of `sources` were last written.
fn is_filled_since(shell: &Shell, sources: &[&Path]) -> bool {
    let root = shell.current_dir();
    let written = |path: &Path| fs::metadata(root.join(path)).and_then(|file| file.modified());
    let package = Path::new(PACKAGE);
    let Ok(filled) = written(&package.join(LAST)) else {
        return false;
    };
    let is_whole = ["rhombus_driver.js", "rhombus_driver_bg.wasm"]
        .iter()
        .all(|name| root.join(package).join(name).exists());
    let is_older = |source: &&Path| written(source).is_ok_and(|written| written <= filled);
    is_whole && sources.iter().all(is_older)
}
