//! `js-pack MODULE FOLDER WASM-OPT`: makes of the driver's module one for JavaScript, in Node and in
//! browsers alike: `FOLDER/rhombus_driver_bg.wasm`, its glue `rhombus_driver.js`, and the glue's
//! types. Prints their sizes.

mod size;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::size::{MODULE, Size};

/// What of WebAssembly the compiler uses, and every browser and Node of these days has.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// What makes the module small as it travels, gzipped. Small functions compress better than large
/// ones, whose many locals have large numbers: so what is called once stays a function unless it is
/// tiny. And like compresses better beside like, which their names bring together.
const SMALL: [&str; 5] = [
    "-Oz",
    "--one-caller-inline-max-function-size",
    "15",
    "--reorder-functions-by-name",
    "--strip-debug",
];

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, folder, wasm_opt] = arguments.as_slice() else {
        bail!("usage: js-pack MODULE FOLDER WASM-OPT");
    };
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(true)
        .remove_producers_section(true)
        .generate(folder)?;
    optimise(wasm_opt, &folder.join(MODULE))?;
    writeln!(std::io::stdout(), "package, gzipped: {}", Size::of(folder)?)?;
    Ok(())
}

fn optimise(wasm_opt: &Path, module: &Path) -> Result<()> {
    let status = Command::new(wasm_opt)
        .arg(module)
        .args(SMALL)
        .arg("-o")
        .arg(module)
        .args(FEATURES)
        .status()
        .with_context(|| format!("cannot run {}", wasm_opt.display()))?;
    ensure!(status.success(), "wasm-opt ended with {status}");
    Ok(())
}
