//! The wasmtime engine of a module slot, and the step that prepares a module for it.
//!
//! A slot loads a driver that was compiled ahead of time: it starts within a millisecond and carries
//! no compiler. That needs one configuration on both sides, which is here.

#[cfg(feature = "compile")]
mod compile;

#[cfg(feature = "compile")]
pub use compile::{component, precompile, precompile_core};

/// The configuration that modules are compiled for and run with.
///
/// Epochs interrupt a guest that computes too long. A trap names the functions that it happened in; the
/// map from machine code to places in the module is left out, as it is large and nobody has the module's
/// debugging information. Copy-on-write memory images and the other defaults of wasmtime stay.
pub fn config() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    config.generate_address_map(false);
    config.wasm_component_model_async(true);
    config
}

/// An engine for modules.
///
/// # Errors
///
/// If this machine cannot run what [`config`] asks for.
pub fn engine() -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&config())
}
