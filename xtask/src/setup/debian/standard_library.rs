//! Rust's standard library for wasm, built as its authors build it for rustup.

use std::path::Path;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::cargo::without_host_compiler;
use crate::say;
use crate::versions::WASM_TARGET;

/// Builds the source in the folder `library` with the toolchain in `sysroot`, and puts the result
/// there.
pub(super) fn build(
    shell: &Shell,
    library: &Path,
    sysroot: &Path,
    target: &Path,
) -> anyhow::Result<()> {
    say("building the standard library, about a minute");
    let cargo = sysroot.join("bin/cargo");
    let rustc = sysroot.join("bin/rustc");
    // The library needs unstable features, and is marked so that its own dependencies cannot be
    // used by accident. Its crates are named apart from those of the program that uses them.
    let flags = format!(
        "-Zforce-unstable-if-unmarked --remap-path-prefix={}=/rust/library",
        library.display()
    );

    let _in_library = shell.push_dir(library);
    without_host_compiler(cmd!(shell, "{cargo} build --locked --profile dist"))
        .args([
            "--package",
            "sysroot",
            "--features",
            "backtrace",
            "--target",
            WASM_TARGET,
        ])
        .arg("--target-dir")
        .arg(target)
        .env("LD_LIBRARY_PATH", sysroot.join("lib"))
        .env("RUSTC", rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", flags)
        .env("__CARGO_DEFAULT_LIB_METADATA", "wasm-std")
        .run()
        .context("the standard library could not be built")?;

    let libraries = shell.create_dir(sysroot.join("lib/rustlib").join(WASM_TARGET).join("lib"))?;
    for file in shell.read_dir(target.join(WASM_TARGET).join("dist/deps"))? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // The crate sysroot is empty: it only names the others.
        if name.ends_with(".rlib") && !name.starts_with("libsysroot-") {
            shell.copy_file(&file, &libraries)?;
        }
    }
    Ok(())
}
