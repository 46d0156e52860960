//! Limits on what a module may use: time to compute, and memory.
//!
//! Time counts only while the guest computes, and anew each time that it is entered: a call that merely
//! waits never runs out of it, nor does a module that has much to do for a long time, in small parts.
//! wasmtime's epoch belongs to a store, not to a call: a thread moves it on, and a guest that sees it move
//! asks here whether to go on. Before it runs out of time it has often given way to all others of its
//! thread: modules share a few threads, and one that computes must not hold up another.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wasmtime::{
    CallHook, Engine, ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline,
};

/// How long a guest may compute each time that it is entered.
const CPU_LIMIT: Duration = Duration::from_secs(5);
/// How often a guest that computes is asked; after one to two of these it gives way. An answer of a
/// neighbour takes some ten turns.
const TICK: Duration = Duration::from_millis(10);
/// The most memory a guest may have.
pub(crate) const MEMORY: usize = 128 << 20;

/// Watches one instance.
#[derive(Debug)]
pub(super) struct Guard {
    limit: Duration,
    spent: Mutex<Spent>,
}

/// What the guest has used of its time.
#[derive(Debug)]
struct Spent {
    has_no_time: bool,
    /// How often it was entered and not left: it is entered once more when a call of its own is answered with
    /// what needs memory.
    depth: usize,
    /// When it was last entered from outside.
    entered: Instant,
    /// What it has used since then, before it last gave way.
    before: Duration,
    /// Since when it and its host have had the thread.
    since: Instant,
}

impl Guard {
    pub(super) fn new() -> Arc<Self> {
        Self::with_limit(CPU_LIMIT)
    }

    fn with_limit(limit: Duration) -> Arc<Self> {
        Arc::new(Self {
            limit,
            spent: Mutex::new(Spent {
                has_no_time: false,
                depth: 0,
                entered: Instant::now(),
                before: Duration::ZERO,
                since: Instant::now(),
            }),
        })
    }

    /// Has `store` ask this guard.
    pub(super) fn watch<T: 'static>(self: &Arc<Self>, store: &mut Store<T>) {
        let guard = Arc::clone(self);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| guard.ask());
        let guard = Arc::clone(self);
        store.call_hook(move |_, hook| {
            match hook {
                CallHook::CallingWasm => guard.entered(),
                CallHook::ReturningFromWasm => guard.left(),
                CallHook::CallingHost | CallHook::ReturningFromHost => {}
            }
            Ok(())
        });
    }

    /// From now on the guest has no time left.
    pub(super) fn take_all_time(&self) {
        self.spent().has_no_time = true;
    }

    /// Polls `work`, which runs the guest, and knows by that since when it has had the thread.
    pub(super) fn timed<F: Future>(self: Arc<Self>, work: F) -> impl Future<Output = F::Output> {
        Timed {
            guard: self,
            work: Box::pin(work),
        }
    }

    /// What the guest is to do that has seen the epoch move.
    fn ask(&self) -> wasmtime::Result<UpdateDeadline> {
        let mut spent = self.spent();
        if spent.has_no_time {
            wasmtime::bail!("the call was given no time");
        }
        // It is asked at every tick, if it does not move a lot of memory at once. What is longer is what the
        // machine did meanwhile, which has too much to do: the guest did not have the processor.
        let slice = spent.entered.max(spent.since).elapsed().min(2 * TICK);
        if spent.before + slice > self.limit {
            wasmtime::bail!("the module computed for longer than {:?}", self.limit);
        }
        if spent.since.elapsed() < TICK {
            // It moved while the guest waited.
            return Ok(UpdateDeadline::Continue(1));
        }
        spent.before += slice;
        // Tokio's, for it has the thread look at its sockets and clocks first.
        let others = Box::pin(tokio::task::yield_now());
        Ok(UpdateDeadline::YieldCustom(1, others))
    }

    fn entered(&self) {
        let mut spent = self.spent();
        if spent.depth == 0 {
            spent.entered = Instant::now();
            spent.before = Duration::ZERO;
        }
        spent.depth += 1;
    }

    fn left(&self) {
        let mut spent = self.spent();
        spent.depth = spent.depth.saturating_sub(1);
    }

    fn goes_on(&self) {
        self.spent().since = Instant::now();
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limits on a guest's memory and tables, each of which counts for itself: so there is one memory,
/// as a compiler makes it, and there are few tables.
pub(super) struct Limits {
    limits: StoreLimits,
    memory: Arc<AtomicUsize>,
}

impl Limits {
    /// Tells in `memory` how much of it the guest has, in bytes.
    pub(super) fn new(memory: Arc<AtomicUsize>) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MEMORY)
            .memories(1)
            .table_elements(100_000)
            .tables(8)
            .instances(8)
            .trap_on_grow_failure(true)
            .build();
        Self { limits, memory }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let may = self.limits.memory_growing(current, desired, maximum)?;
        if may {
            self.memory.store(desired, Ordering::Relaxed);
        }
        Ok(may)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.table_grow_failed(error)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
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
        self.guard.goes_on();
        self.work.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Instance, Module};

    use super::*;

    /// `(module (func (export "f") (loop (br 0))))`
    const LOOPS_FOR_EVER: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x09\x01\x07\0\x03\x40\x0c\0\x0b\x0b";
    /// `(module (func (export "f")))`
    const DOES_NOTHING: &[u8] =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x04\x01\x02\0\x0b";
    /// `(module (memory 1) (func (export "f") (drop (memory.grow (i32.const 2)))))`
    const GROWS: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x05\x01\x01f\0\0\x0a\x09\x01\x07\0\x41\x02\x40\0\x1a\x0b";
    /// `(module (memory 1) (memory 1))`
    const HAS_TWO_MEMORIES: &[u8] = b"\0asm\x01\0\0\0\x05\x05\x02\0\x01\0\x01";

    const LIMIT: Duration = Duration::from_millis(100);

    /// Calls a module's `f` after `idle` within one guard's watch, as often as `times`.
    async fn call(module: &[u8], idle: Duration, times: usize) -> wasmtime::Result<()> {
        let engine = slot_engine::engine()?;
        start_ticking(&engine)?;
        let mut store = Store::new(&engine, ());
        let guard = Guard::with_limit(LIMIT);
        guard.watch(&mut store);
        let module = Module::new(&engine, module)?;
        for _ in 0..times {
            let instance = Instance::new_async(&mut store, &module, &[]).await?;
            let f = instance.get_typed_func::<(), ()>(&mut store, "f")?;
            std::thread::sleep(idle);
            let calling = f.call_async(&mut store, ());
            Arc::clone(&guard).timed(calling).await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_guest_that_computes_for_ever_is_stopped() {
        let stopped = call(LOOPS_FOR_EVER, Duration::ZERO, 1).await.unwrap_err();
        assert!(
            format!("{stopped:#}").contains("computed for longer than 100ms"),
            "{stopped:#}"
        );
    }

    #[tokio::test]
    async fn waiting_uses_up_no_time() {
        call(DOES_NOTHING, 3 * LIMIT, 2).await.unwrap();
    }

    /// `(module (func (export "f") (local i32) (loop (br_if 0 (i32.ne (i32.const 4000000) (local.tee 0
    /// (i32.add (local.get 0) (i32.const 1))))))))`
    const COMPUTES_A_LITTLE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x18\x01\x16\x01\x01\x7f\x03\x40\x41\x80\x92\xf4\x01\x20\0\x41\x01\x6a\x22\0\x47\x0d\0\x0b\x0b";

    #[tokio::test]
    async fn a_guest_that_has_much_to_do_in_small_parts_is_not_stopped() {
        let engine = slot_engine::engine().unwrap();
        start_ticking(&engine).unwrap();
        let mut store = Store::new(&engine, ());
        let guard = Guard::with_limit(LIMIT);
        guard.watch(&mut store);
        let module = Module::new(&engine, COMPUTES_A_LITTLE).unwrap();
        let instance = Instance::new_async(&mut store, &module, &[]).await.unwrap();
        let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
        // All in one, as a host has it whose guest always has something to do.
        let work = async {
            let begun = Instant::now();
            while begun.elapsed() < 10 * LIMIT {
                f.call_async(&mut store, ()).await?;
            }
            f.call_async(&mut store, ()).await
        };
        let done = Arc::clone(&guard).timed(work).await;
        assert!(done.is_ok(), "{done:?}");
    }

    #[tokio::test]
    async fn a_guest_that_computes_gives_way_to_others_of_its_thread() {
        let mut computing = std::pin::pin!(call(LOOPS_FOR_EVER, Duration::ZERO, 1));
        // The first poll ends although the guest does not.
        let first = futures_util::poll!(&mut computing);
        assert!(first.is_pending());
        assert!(computing.await.is_err());
    }

    #[tokio::test]
    async fn a_guest_has_one_memory() {
        let engine = slot_engine::engine().unwrap();
        let mut store = Store::new(&engine, Limits::new(Arc::default()));
        store.limiter(|limits| limits);
        let module = Module::new(&engine, HAS_TWO_MEMORIES).unwrap();
        assert!(Instance::new_async(&mut store, &module, &[]).await.is_err());
    }

    #[tokio::test]
    async fn how_much_memory_a_guest_has_is_told() {
        let engine = slot_engine::engine().unwrap();
        let memory = Arc::<AtomicUsize>::default();
        let mut store = Store::new(&engine, Limits::new(Arc::clone(&memory)));
        store.limiter(|limits| limits);
        store.set_epoch_deadline(1);
        let module = Module::new(&engine, GROWS).unwrap();
        let instance = Instance::new_async(&mut store, &module, &[]).await.unwrap();
        assert_eq!(memory.load(Ordering::Relaxed), 65_536);
        let grow = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
        grow.call_async(&mut store, ()).await.unwrap();
        assert_eq!(memory.load(Ordering::Relaxed), 3 * 65_536);
    }
}
