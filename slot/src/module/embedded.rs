//! The driver that this program carries, compiled ahead of time, and run where it lies.
//!
//! It must never be loaded twice, nor be unloaded: its pages are the program's own, and there is one of them.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::mm::{MprotectFlags, mprotect};
use rustix::param::page_size;
use wasmtime::component::Component;
use wasmtime::{CustomCodeMemory, Engine};

use super::guard;

/// What begins with a page, as most systems have them.
#[repr(C, align(4096))]
pub(super) struct AtPage<T: ?Sized>(pub(super) T);

pub(super) static DRIVER: &AtPage<[u8]> = &AtPage(*include_bytes!(env!("RHOMBUS_DRIVER")));

/// The driver and its engine, which tick. wasmtime by itself would copy the code before it makes it executable:
/// that is two megabytes of memory, and a good part of the time to start.
pub(super) fn driver() -> wasmtime::Result<(Engine, Component)> {
    static LOADED: Mutex<Option<(Engine, Component)>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = &*loaded {
        return Ok(loaded.clone());
    }
    let mut config = slot_engine::config();
    config.with_custom_code_memory(Some(Arc::new(OfProgram)));
    let engine = Engine::new(&config)?;
    guard::start_ticking(&engine)?;
    let bytes = &DRIVER.0;
    // Where pages are larger, it begins in the middle of one, and is copied.
    let is_at_page = bytes.as_ptr().addr().is_multiple_of(page_size());
    // SAFETY: these bytes are `slot-compile`'s, of the build that this program is of. They are there, and stay
    // as they are, as long as the program.
    let driver = unsafe {
        if is_at_page {
            Component::deserialize_raw(&engine, NonNull::from(bytes))?
        } else {
            Component::deserialize(&engine, bytes)?
        }
    };
    Ok(loaded.insert((engine, driver)).clone())
}

/// The code's pages, which are constants of the program, made executable: nobody may write to them, then as before.
struct OfProgram;

impl CustomCodeMemory for OfProgram {
    fn required_alignment(&self) -> usize {
        page_size()
    }

    fn publish_executable(&self, code: *const u8, length: usize) -> wasmtime::Result<()> {
        let flags = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: from page to page these are the code's own, which nothing writes to.
        unsafe { mprotect(code.cast_mut().cast::<c_void>(), length, flags)? };
        Ok(())
    }

    /// It is not unloaded while the program runs.
    fn unpublish_executable(&self, _code: *const u8, _length: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_loaded_once_and_where_it_lies() {
        let (engine, driver) = driver().unwrap();
        let (same_engine, same_driver) = super::driver().unwrap();
        assert!(Engine::same(&engine, &same_engine));
        assert_eq!(driver.image_range(), same_driver.image_range());
        let image = driver.image_range();
        let program = DRIVER.0.as_ptr_range();
        assert!(program.start <= image.start && image.end <= program.end);
    }
}
