//! Set-up: what the other commands need and a machine with Rust may lack.
//!
//! Each step looks first and acts only on what is missing.

mod apt;
mod browser;
mod c_compiler;
mod cargo_tool;
mod counting;
mod debian;
mod fuzzing;
mod npm;
mod python;
mod redis;
mod rustup;
mod static_target;
mod wasm_target;

use std::fs::File;

use anyhow::Context;
use xshell::{Cmd, Shell};

pub(crate) use cargo_tool::path as tool;
pub(crate) use wasm_target::WasmToolchain;

use crate::say;
use crate::versions::{DENY, MUTANTS, NPM_FOLDER, WEB_FOLDER};

/// Makes sure that what the package for JavaScript is made by is here.
///
/// # Errors
///
/// Names what a person must install.
pub(crate) fn for_package(shell: &Shell) -> anyhow::Result<()> {
    npm::ensure(
        shell,
        NPM_FOLDER,
        "make and check the package for JavaScript",
    )
}

/// Makes sure that what the pages are made and tested by is here.
///
/// # Errors
///
/// Names what a person must install.
pub(crate) fn for_web(shell: &Shell) -> anyhow::Result<()> {
    npm::ensure(shell, WEB_FOLDER, "make and check the pages")
}

/// Makes sure that what the module is tested in, as JavaScript, is here.
///
/// # Errors
///
/// Names the command that a person must run.
pub(crate) fn for_browser(shell: &Shell) -> anyhow::Result<()> {
    browser::ensure(shell)
}

/// What the browser says that it is, once it is here.
///
/// # Errors
///
/// There is none.
pub(crate) fn browser_version(shell: &Shell) -> anyhow::Result<String> {
    browser::version(shell)
}

/// Makes sure that the Redis is here that the slot is tested with.
///
/// # Errors
///
/// Names the command that a person must run.
pub(crate) fn for_redis(shell: &Shell) -> anyhow::Result<()> {
    redis::ensure(shell)
}

/// Makes sure that the Python is here by which receivers of others verify what is sent.
///
/// # Errors
///
/// Names the command that a person must run.
pub(crate) fn for_python(shell: &Shell) -> anyhow::Result<()> {
    python::ensure(shell)
}

/// Makes sure that what counts instructions is here.
///
/// # Errors
///
/// Names the command that a person must run, or it cannot be built.
pub(crate) fn for_counting(shell: &Shell) -> anyhow::Result<()> {
    counting::ensure(shell)
}

/// Makes sure that what fuzzing is built by is here.
///
/// # Errors
///
/// Names the command that a person must run.
pub(crate) fn for_fuzzing(shell: &Shell) -> anyhow::Result<()> {
    fuzzing::ensure(shell)
}

/// Makes sure that what the slot is linked statically with is here.
///
/// # Errors
///
/// Names the command that a person must run.
pub(crate) fn for_dist(shell: &Shell) -> anyhow::Result<()> {
    static_target::ensure(shell)
}

/// Makes sure that what breaks the sources on purpose is here.
///
/// # Errors
///
/// It cannot be built.
pub(crate) fn for_mutants(shell: &Shell) -> anyhow::Result<()> {
    cargo_tool::ensure(shell, &MUTANTS)
}

/// Makes sure that what checks the dependencies is here.
///
/// # Errors
///
/// It cannot be built.
pub(crate) fn for_deny(shell: &Shell) -> anyhow::Result<()> {
    cargo_tool::ensure(shell, &DENY)
}

/// Makes sure that everything is here that `serve` is built by.
///
/// # Errors
///
/// Names the command that a person must run, if something is missing and cannot be had.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<WasmToolchain> {
    c_compiler::ensure(shell)?;
    let toolchain = match wasm_target::find(shell) {
        Some(toolchain) if rustup::has_components(shell) => toolchain,
        _ => {
            let _held = one_at_a_time(shell)?;
            rustup::ensure_components(shell)?;
            wasm_target::ensure(shell)?
        }
    };
    Ok(toolchain)
}

/// Whether a command runs and ends well; what it prints is of no interest.
fn succeeds(command: Cmd<'_>) -> bool {
    command
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok()
}

/// Waits until no other set-up changes the same rustup. The lock ends with the file, or with the
/// process.
fn one_at_a_time(shell: &Shell) -> anyhow::Result<File> {
    let folder = rustup::own_folder(shell)?;
    shell.create_dir(&folder)?;
    let path = folder.join("lock");
    let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    if lock.try_lock().is_err() {
        say("another set-up is at work, waiting for it to end");
        lock.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(lock)
}
