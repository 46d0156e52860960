//! A core module in the slot's engine: what it computes, without anything that crosses.

use std::path::Path;

use wasmtime::{Instance, Module, Store};

/// Its instance.
pub(crate) struct Core {
    store: Store<()>,
    instance: Instance,
}

impl Core {
    /// Makes one of a module that was compiled ahead of time.
    pub(crate) fn load(compiled: &Path) -> wasmtime::Result<Self> {
        let engine = slot_engine::engine()?;
        // SAFETY: whoever starts this program has had `core-compile` write the file.
        let module = unsafe { Module::deserialize_file(&engine, compiled) }?;
        let mut store = Store::new(&engine, ());
        // The code looks at the epoch as the driver's does; nothing makes it go on, so it is never late.
        store.set_epoch_deadline(1);
        let instance = Instance::new(&mut store, &module, &[])?;
        Ok(Self { store, instance })
    }

    /// Has the function of this name do its work so many times; answers its sum.
    #[expect(clippy::expect_used, reason = "the work is the module's own")]
    pub(crate) fn call(&mut self, work: &str, times: u32) -> u32 {
        let function = self
            .instance
            .get_typed_func::<u32, u32>(&mut self.store, work);
        function
            .and_then(|function| function.call(&mut self.store, times))
            .expect("the module does this work")
    }
}
