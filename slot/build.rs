//! Embeds the driver, compiled ahead of time by `cargo xtask build`.

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let module = root.join("target/module/rhombus_driver.cwasm");
    println!("cargo::rerun-if-changed={}", module.display());
    if !module.exists() {
        println!("cargo::error=the driver's module is not built yet: run `cargo xtask build`");
        return;
    }
    println!("cargo::rustc-env=RHOMBUS_DRIVER={}", module.display());
}
