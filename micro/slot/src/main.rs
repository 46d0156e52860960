//! `micro-slot COMPILED`: does the work of an event in the slot's engine, and calls the driver through the
//! slot, as often as it is told. `COMPILED` is the module of `micro/wasm` as `core-compile` leaves it.

mod core;
mod driver;

use std::io;
use std::path::PathBuf;

use self::core::Core;
use self::driver::Driver;

/// As in the slot.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [compiled] = arguments.as_slice() else {
        return Err(io::Error::other("usage: micro-slot COMPILED"));
    };
    let mut core = Core::load(compiled).map_err(io::Error::other)?;
    let driver = Driver::load()?;
    micro_orders::obey(|order| match order.work.as_str() {
        "call" => driver.call(order.bytes, order.times),
        work => core.call(work, order.times),
    })
}
