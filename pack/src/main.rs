//! `js-pack MODULE FOLDER WASM-OPT`: makes of the driver's module one for JavaScript, in Node and in
//! browsers alike: `FOLDER/rhombus_driver_bg.wasm`, its glue `rhombus_driver.js`, and the glue's
//! types. Prints their sizes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, write::GzEncoder};
use wasm_bindgen_cli_support::Bindgen;

/// What of WebAssembly the compiler uses, and every browser and Node of these days has.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
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
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)?;
    let module = folder.join("rhombus_driver_bg.wasm");
    optimise(wasm_opt, &module)?;

    let glue = folder.join("rhombus_driver.js");
    let [module_size, glue_size] = [gzipped(&module)?, gzipped(&glue)?];
    let line = format!(
        "package, gzipped: {:.1} kB (module {module_size:.1}, glue {glue_size:.1})",
        module_size + glue_size
    );
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

fn optimise(wasm_opt: &Path, module: &Path) -> Result<()> {
    let status = Command::new(wasm_opt)
        .arg(module)
        .args(["-Oz", "--converge", "-o"])
        .arg(module)
        .args(FEATURES)
        .status()
        .with_context(|| format!("cannot run {}", wasm_opt.display()))?;
    ensure!(status.success(), "wasm-opt ended with {status}");
    Ok(())
}

/// The size of a file as it travels, in kB.
fn gzipped(path: &Path) -> Result<f64> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len() as f64 / 1000.0)
}
