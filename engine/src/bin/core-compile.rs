//! `core-compile MODULE FILE`: writes into `FILE` a core module, compiled for this architecture.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, file] = arguments.as_slice() else {
        bail!("usage: core-compile MODULE FILE");
    };
    let read = std::fs::read(module);
    let module = read.with_context(|| format!("cannot read {}", module.display()))?;
    let compiled = slot_engine::precompile_core(&module)?;
    std::fs::write(file, compiled).with_context(|| format!("cannot write {}", file.display()))
}
