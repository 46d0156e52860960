//! From what rustc writes to what a slot loads.

use anyhow::{Context, Result, anyhow};
use wit_component::ComponentEncoder;

/// Makes a component of a core module that carries its interface as wit-bindgen leaves it.
pub fn component(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .context("the module does not make a component")
}

/// Compiles a component for this machine, into what [`wasmtime::component::Component::deserialize`] takes.
pub fn precompile(component: &[u8]) -> Result<Vec<u8>> {
    let compiled = crate::engine().and_then(|engine| engine.precompile_component(component));
    // wasmtime has an error type of its own.
    compiled.map_err(|error| anyhow!("the component does not compile: {error:#}"))
}
