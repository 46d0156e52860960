//! Debian's files, laid out as rustup lays out a toolchain.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Shell, cmd};

/// Lays out the toolchain in the folder `sysroot`, from what was unpacked into `root`. The standard
/// library for wasm is not in it yet.
pub(super) fn lay_out(shell: &Shell, root: &Path, sysroot: &Path) -> anyhow::Result<()> {
    let usr = root.join("usr");
    let programs = shell.create_dir(sysroot.join("bin"))?;
    let libraries = shell.create_dir(sysroot.join("lib"))?;

    for program in ["rustc", "rustdoc", "cargo-clippy", "clippy-driver"] {
        shell.copy_file(usr.join("bin").join(program), &programs)?;
    }
    // Debian's cargo would bring more libraries with it; rustup's works with either compiler.
    let cargo = cmd!(shell, "rustup which cargo").quiet().read()?;
    shell.copy_file(cargo, &programs)?;

    fs::rename(usr.join("lib/rustlib"), libraries.join("rustlib"))?;
    // The source is not part of the toolchain.
    shell.remove_path(libraries.join("rustlib/src"))?;
    for base in ["lib", "usr/lib"] {
        copy_shared_libraries(shell, root, base, &libraries)?;
    }

    let llvm = folder_with(shell, &usr.join("lib"), "bin/lld")?;
    let host = folder_with(shell, &libraries.join("rustlib"), "lib")?;
    let own_programs = shell.create_dir(host.join("bin"))?;
    shell.copy_file(llvm.join("bin/lld"), own_programs.join("rust-lld"))?;
    Ok(())
}

/// Copies the compiler's own libraries, and those of its dependencies that this machine lacks, to
/// where rustup makes the loader look.
fn copy_shared_libraries(
    shell: &Shell,
    root: &Path,
    base: &str,
    libraries: &Path,
) -> anyhow::Result<()> {
    for folder in folders(shell, &root.join(base)) {
        for file in shell.read_dir(folder)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let is_compiler = name.starts_with("librustc_driver-") || name.starts_with("libLLVM");
            let on_this_machine = Path::new("/").join(file.strip_prefix(root)?);
            if name.contains(".so") && (is_compiler || !on_this_machine.exists()) {
                cmd!(shell, "cp --no-dereference {file} {libraries}")
                    .quiet()
                    .run()?;
            }
        }
    }
    Ok(())
}

/// The folder among those in `base` that holds the path `inside`.
fn folder_with(shell: &Shell, base: &Path, inside: &str) -> anyhow::Result<PathBuf> {
    folders(shell, base)
        .find(|folder| folder.join(inside).exists())
        .with_context(|| format!("the packages hold no {inside}"))
}

fn folders(shell: &Shell, base: &Path) -> impl Iterator<Item = PathBuf> {
    shell
        .read_dir(base)
        .unwrap_or_default()
        .into_iter()
        .filter(|path| path.is_dir())
}
