//! Limits on what a module may use: time between two awaits, and memory.
//!
//! The time is counted from the moment the host lets the guest go on, and so a call that merely
//! waits never runs out of it. wasmtime's epoch belongs to a store, not to a call: a thread moves
//! it on, and a guest that sees it move asks here whether to go on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};

/// How long a guest may compute between two awaits.
const CPU_LIMIT: Duration = Duration::from_secs(5);
/// How often a guest that computes is asked.
const TICK: Duration = Duration::from_millis(250);
/// The most memory a guest may have.
pub(crate) const MEMORY: usize = 128 << 20;

/// Watches one instance.
#[derive(Debug)]
pub(super) struct Guard {
    limit: Duration,
    since: Instant,
    /// When the guest was last let go on, in milliseconds after `since`.
    entered: AtomicU64,
    has_no_time: AtomicBool,
}

impl Guard {
    pub(super) fn new() -> Arc<Self> {
        Self::with_limit(CPU_LIMIT)
    }

    fn with_limit(limit: Duration) -> Arc<Self> {
        Arc::new(Self {
            limit,
            since: Instant::now(),
            entered: AtomicU64::new(0),
            has_no_time: AtomicBool::new(false),
        })
    }

    /// Has `store` ask this guard.
    pub(super) fn watch<T: 'static>(self: &Arc<Self>, store: &mut Store<T>) {
        let guard = Arc::clone(self);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if guard.has_no_time.load(Ordering::Relaxed) {
                wasmtime::bail!("the call was given no time");
            }
            if guard.is_out_of_time() {
                wasmtime::bail!("the module computed for longer than {:?}", guard.limit);
            }
            Ok(UpdateDeadline::Continue(1))
        });
    }

    /// From now on the guest has no time left.
    pub(super) fn take_all_time(&self) {
        self.has_no_time.store(true, Ordering::Relaxed);
    }

    /// Polls `work`, which runs the guest, with this guard's clock set anew each time.
    pub(super) fn timed<F: Future>(self: Arc<Self>, work: F) -> impl Future<Output = F::Output> {
        Timed {
            guard: self,
            work: Box::pin(work),
        }
    }

    fn is_out_of_time(&self) -> bool {
        let entered = Duration::from_millis(self.entered.load(Ordering::Relaxed));
        self.since.elapsed().saturating_sub(entered) > self.limit
    }
}

/// The limits on a guest's memory and tables.
pub(super) fn limits() -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(MEMORY)
        .table_elements(100_000)
        .instances(8)
        .build()
}

/// Moves the epoch of `engine` on, until the engine is gone.
pub(super) fn start_ticking(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })?;
    Ok(())
}

struct Timed<F> {
    guard: Arc<Guard>,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let now = u64::try_from(self.guard.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.guard.entered.store(now, Ordering::Relaxed);
        self.work.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use wasmtime::{Instance, Module};

    use super::*;

    /// `(module (func (export "f") (loop (br 0))))`
    const LOOPS_FOR_EVER: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x09\x01\x07\0\x03\x40\x0c\0\x0b\x0b";
    /// `(module (func (export "f")))`
    const DOES_NOTHING: &[u8] =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x04\x01\x02\0\x0b";

    /// Calls a module's `f` after `idle` within one guard's watch, as often as `times`.
    fn call(module: &[u8], limit: Duration, idle: Duration, times: usize) -> wasmtime::Result<()> {
        let engine = slot_engine::engine()?;
        start_ticking(&engine)?;
        let mut store = Store::new(&engine, ());
        let guard = Guard::with_limit(limit);
        guard.watch(&mut store);
        let module = Module::new(&engine, module)?;
        for _ in 0..times {
            let instance = Instance::new(&mut store, &module, &[])?;
            let f = instance.get_typed_func::<(), ()>(&mut store, "f")?;
            std::thread::sleep(idle);
            let calling = async { f.call(&mut store, ()) };
            Arc::clone(&guard).timed(calling).now_or_never().unwrap()?;
        }
        Ok(())
    }

    #[test]
    fn a_guest_that_computes_for_ever_is_stopped() {
        let stopped = call(
            LOOPS_FOR_EVER,
            Duration::from_millis(100),
            Duration::ZERO,
            1,
        )
        .unwrap_err();
        assert!(
            format!("{stopped:#}").contains("computed for longer than 100ms"),
            "{stopped:#}"
        );
    }

    #[test]
    fn waiting_uses_up_no_time() {
        let limit = Duration::from_millis(100);
        call(DOES_NOTHING, limit, 2 * TICK, 2).unwrap();
    }
}
