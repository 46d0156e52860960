//! A component that is ready to be made instances of.

use std::sync::Arc;

use placeos_wire::Manifest;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::embedded;
use super::guard;
use super::imports::bindings::{Module as Bindings, ModulePre};
use super::imports::{Imports, State};

/// Why a module cannot be made an instance of.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The module wants more than it declares.
    #[error("the module imports {0}, which its manifest does not declare")]
    Undeclared(String),
    /// The module is not one for this slot.
    #[error("the module does not fit this slot: {0}")]
    Unfit(String),
}

/// A component, checked against its manifest and linked to the capabilities. Clones share its code.
#[derive(Clone)]
pub struct Prepared {
    pub(super) engine: Engine,
    pub(super) linked: ModulePre<State>,
    pub(super) manifest: Arc<Manifest>,
}

impl Prepared {
    /// The driver that this program carries.
    pub fn embedded(manifest: Manifest) -> Result<Self, StartError> {
        let (engine, driver) = embedded::driver().map_err(unfit)?;
        Self::link(engine, &driver, manifest)
    }

    /// Takes a component that was compiled ahead of time.
    ///
    /// # Safety
    ///
    /// `compiled` must be what `slot-compile` has made, unchanged: it holds machine code.
    pub(super) unsafe fn from_compiled(
        compiled: &[u8],
        manifest: Manifest,
    ) -> Result<Self, StartError> {
        let engine = slot_engine::engine().map_err(unfit)?;
        guard::start_ticking(&engine).map_err(|error| StartError::Unfit(error.to_string()))?;
        // SAFETY: the caller vouches for it.
        let component = unsafe { Component::deserialize(&engine, compiled) }.map_err(unfit)?;
        Self::link(engine, &component, manifest)
    }

    fn link(engine: Engine, component: &Component, manifest: Manifest) -> Result<Self, StartError> {
        for (import, _) in component.component_type().imports(&engine) {
            if !manifest.declares(import) {
                return Err(StartError::Undeclared(import.to_owned()));
            }
        }
        let mut linker = Linker::new(&engine);
        Bindings::add_to_linker::<_, Imports>(&mut linker, |state| state).map_err(unfit)?;
        let instance = linker.instantiate_pre(component).map_err(unfit)?;
        let linked = ModulePre::new(instance).map_err(unfit)?;
        Ok(Self {
            engine,
            linked,
            manifest: Arc::new(manifest),
        })
    }
}

fn unfit(error: wasmtime::Error) -> StartError {
    StartError::Unfit(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use std::env::consts::ARCH;

    use super::*;

    /// A component that does nothing.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    /// Whether a processor would take it that has only what all of its architecture have.
    fn runs_anywhere(compiled: &[u8]) -> bool {
        let mut config = slot_engine::config();
        config.enable_compiler(false);
        // SAFETY: to say that nothing is there can only refuse code.
        unsafe { config.detect_host_feature(|_| Some(false)) };
        let oldest = Engine::new(&config).unwrap();
        // SAFETY: it was compiled by the build or by this test, and nothing of it is run.
        unsafe { Component::deserialize(&oldest, compiled) }.is_ok()
    }

    #[test]
    fn the_driver_runs_on_any_processor_of_its_architecture() {
        assert!(runs_anywhere(&embedded::DRIVER.0));

        let newer = if cfg!(target_arch = "aarch64") {
            "has_lse"
        } else {
            "has_avx"
        };
        let mut config = slot_engine::config();
        config.target(&format!("{ARCH}-unknown-linux-gnu")).unwrap();
        let compile = |config: &wasmtime::Config| {
            let engine = Engine::new(config).unwrap();
            engine.precompile_component(EMPTY).unwrap()
        };
        assert!(runs_anywhere(&compile(&config)));
        // SAFETY: what is compiled with it is not run.
        unsafe { config.cranelift_flag_enable(newer) };
        assert!(!runs_anywhere(&compile(&config)));
    }
}
