//! A toolchain for wasm where rustup's server is out of reach: put together from Debian's packages.
//!
//! Debian carries a current Rust for its browsers, but no standard library for wasm beside it. So
//! the packages are unpacked (not installed, which would take root and conflict with rustup), laid
//! out as rustup lays out a toolchain, and the standard library is built from their source.

mod packages;
mod standard_library;
mod sysroot;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use xshell::{Shell, cmd};

use super::{rustup, succeeds};
use crate::say;
use crate::versions::OWN_TOOLCHAIN;

/// Makes the toolchain and gives it to rustup under the name [`OWN_TOOLCHAIN`].
pub(super) fn make_toolchain(shell: &Shell) -> anyhow::Result<()> {
    ensure!(
        succeeds(cmd!(shell, "apt-get --version")),
        "there is no apt-get to build it with"
    );
    say("building it from Debian's packages instead: some 160 MB to fetch, about two minutes");
    let folder = rustup::own_folder(shell)?;
    let work = folder.join("work");
    let toolchain = folder.join("toolchain");

    // A run that was killed leaves its work behind.
    shell.remove_path(&work)?;
    let made = make_in(shell, &work);
    if let Ok(sysroot) = &made {
        shell.remove_path(&toolchain)?;
        fs::rename(sysroot, &toolchain)?;
    }
    shell.remove_path(&work)?;
    made?;
    cmd!(shell, "rustup toolchain link {OWN_TOOLCHAIN} {toolchain}").run()?;
    Ok(())
}

/// Makes the toolchain in the folder `work`; answers where in it.
fn make_in(shell: &Shell, work: &Path) -> anyhow::Result<PathBuf> {
    let root = packages::unpack(shell, work)?;
    let library = packages::source_of_library(shell, &root)?;
    let sysroot = work.join("sysroot");
    sysroot::lay_out(shell, &root, &sysroot)?;
    standard_library::build(shell, &library, &sysroot, &work.join("target"))?;
    Ok(sysroot)
}
