//! From what rustc writes to what a slot loads.

use std::env::consts::ARCH;

use anyhow::{Context, Result, anyhow};
use wasmtime::Engine;
use wit_component::ComponentEncoder;

/// Makes a component of a core module that carries its interface as wit-bindgen leaves it.
pub fn component(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .context("the module does not make a component")
}

/// Compiles a component into what [`wasmtime::component::Component::deserialize`] takes, for every
/// processor of this machine's architecture: a slot runs on others than the one it was made on.
pub fn precompile(component: &[u8]) -> Result<Vec<u8>> {
    let compiled = baseline().and_then(|engine| engine.precompile_component(component));
    // wasmtime has an error type of its own.
    compiled.map_err(|error| anyhow!("the component does not compile: {error:#}"))
}

/// The same for a core module, which [`wasmtime::Module::deserialize`] takes: to measure what computing
/// costs where modules run.
pub fn precompile_core(module: &[u8]) -> Result<Vec<u8>> {
    let compiled = baseline().and_then(|engine| engine.precompile_module(module));
    compiled.map_err(|error| anyhow!("the module does not compile: {error:#}"))
}

/// With a target that is named, wasmtime does not look at what this machine's processor has besides.
fn baseline() -> wasmtime::Result<Engine> {
    let mut config = crate::config();
    config.target(&format!("{ARCH}-unknown-linux-gnu"))?;
    Engine::new(&config)
}
