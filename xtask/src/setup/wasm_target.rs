//! The wasm target: found, fetched by rustup, or built from Debian's packages.

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::{debian, rustup};
use crate::cargo::on_wasm;
use crate::say;
use crate::versions::{OWN_TOOLCHAIN, WASM_TARGET};

/// The toolchain that can build for wasm.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WasmToolchain {
    /// The one in use for everything else.
    Active,
    /// The one that set-up made.
    Own,
}

impl WasmToolchain {
    /// What to set `RUSTUP_TOOLCHAIN` to; nothing, if the toolchain in use will do.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::Own => Some(OWN_TOOLCHAIN),
        }
    }
}

/// A toolchain that has the target already.
pub(super) fn find(shell: &Shell) -> Option<WasmToolchain> {
    [WasmToolchain::Active, WasmToolchain::Own]
        .into_iter()
        .find(|toolchain| has_target(shell, *toolchain))
}

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<WasmToolchain> {
    if let Some(toolchain) = find(shell) {
        return Ok(toolchain);
    }
    match rustup::run_within_limit(shell, &["target", "add", WASM_TARGET]) {
        Ok(()) if has_target(shell, WasmToolchain::Active) => return Ok(WasmToolchain::Active),
        Ok(()) => say("rustup added the target, but the compiler in use does not have it"),
        Err(error) => say(format_args!("{error:#}")),
    }
    let by_hand = || format!("{WASM_TARGET} is missing; run: rustup target add {WASM_TARGET}");
    debian::make_toolchain(shell).with_context(by_hand)?;
    ensure!(has_target(shell, WasmToolchain::Own), by_hand());
    Ok(WasmToolchain::Own)
}

fn has_target(shell: &Shell, toolchain: WasmToolchain) -> bool {
    let ask = cmd!(shell, "rustc --print target-libdir --target {WASM_TARGET}");
    let libraries = on_wasm(ask, toolchain).quiet().ignore_stderr().read();
    libraries.is_ok_and(|folder| {
        shell.read_dir(folder).is_ok_and(|files| {
            files
                .iter()
                .any(|file| file.to_string_lossy().contains("/libstd-"))
        })
    })
}
