//! `slot-compile MODULE FOLDER`: writes `FOLDER/rhombus_driver.component.wasm`, the component, and
//! `FOLDER/rhombus_driver.cwasm`, compiled for this architecture. A file that would not change is left
//! alone, so that nothing is rebuilt for it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, folder] = arguments.as_slice() else {
        bail!("usage: slot-compile MODULE FOLDER");
    };
    let module =
        std::fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let component = slot_engine::component(&module)?;
    write(
        &folder.join("rhombus_driver.cwasm"),
        &slot_engine::precompile(&component)?,
    )?;
    write(&folder.join("rhombus_driver.component.wasm"), &component)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
