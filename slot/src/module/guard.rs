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
const MEMORY: usize = 128 << 20;

/// Watches one instance.
#[derive(Debug)]
pub(super) struct Guard {
    since: Instant,
    /// When the guest was last let go on, in milliseconds after `since`.
    entered: AtomicU64,
    out_of_time: AtomicBool,
}

impl Guard {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { since: Instant::now(), entered: AtomicU64::new(0), out_of_time: AtomicBool::new(false) })
    }

    /// Has `store` ask this guard.
    pub(super) fn watch<T: 'static>(self: &Arc<Self>, store: &mut Store<T>) {
        let guard = Arc::clone(self);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if guard.is_out_of_time() {
                wasmtime::bail!("the module computed for longer than {} s", CPU_LIMIT.as_secs());
            }
            Ok(UpdateDeadline::Continue(1))
        });
    }

    /// From now on the guest has no time left.
    pub(super) fn take_all_time(&self) {
        self.out_of_time.store(true, Ordering::Relaxed);
    }

    /// Polls `work`, which runs the guest, with this guard's clock set anew each time.
    pub(super) fn timed<F: Future>(self: Arc<Self>, work: F) -> impl Future<Output = F::Output> {
        Timed { guard: self, work: Box::pin(work) }
    }

    fn is_out_of_time(&self) -> bool {
        let entered = Duration::from_millis(self.entered.load(Ordering::Relaxed));
        self.out_of_time.load(Ordering::Relaxed) || self.since.elapsed().saturating_sub(entered) > CPU_LIMIT
    }
}

/// The limits on a guest's memory and tables.
pub(super) fn limits() -> StoreLimits {
    StoreLimitsBuilder::new().memory_size(MEMORY).table_elements(100_000).instances(8).build()
}

/// Moves the epoch of `engine` on, until the engine is gone.
pub(super) fn start_ticking(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
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
