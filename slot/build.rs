//! Embeds the driver, compiled ahead of time: by `cargo xtask build`, or optimised by `cargo xtask dist`.
//! Either has made the pages too, which the gateway serves; only their gzipped form is embedded, because
//! plain they are over a megabyte.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let is_optimised = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let (folder, command) = if is_optimised {
        ("target/module/optimised", "cargo xtask dist")
    } else {
        ("target/module", "cargo xtask build")
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let module = root.join(folder).join("rhombus_driver.cwasm");
    println!("cargo::rerun-if-changed={}", module.display());
    if !module.exists() {
        println!("cargo::error=the driver's module is not built yet: run `{command}`");
        return Ok(());
    }
    let pages = root.join("target/web");
    println!("cargo::rerun-if-changed={}", pages.display());
    if !pages.join("console/index.html").exists() {
        println!("cargo::error=the gateway's pages are not built yet: run `{command}`");
        return Ok(());
    }
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let compressed = PathBuf::from(out).join("pages");
    if compressed.exists() {
        fs::remove_dir_all(&compressed)?;
    }
    copy_compressed(&pages, &compressed)?;
    println!("cargo::rustc-env=RHOMBUS_DRIVER={}", module.display());
    Ok(())
}

fn copy_compressed(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if path.is_dir() {
            copy_compressed(&path, &to.join(name))?;
        } else if path.extension().is_some_and(|end| end == "gz") {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
