//! Embeds the driver, compiled ahead of time: by `cargo xtask build`, or optimised by `cargo xtask dist`.
//! Either has made the pages too, which the gateway serves.

use std::env;
use std::path::Path;

fn main() {
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
        return;
    }
    let pages = root.join("target/web");
    println!("cargo::rerun-if-changed={}", pages.display());
    if !pages.join("console/index.html").exists() {
        println!("cargo::error=the gateway's pages are not built yet: run `{command}`");
        return;
    }
    println!("cargo::rustc-env=RHOMBUS_DRIVER={}", module.display());
}
