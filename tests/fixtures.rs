//! Every fixture, played by the native driver. On wasm32 the tests `web` and `node` play them.

#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(
        clippy::expect_used,
        clippy::unwrap_used,
        reason = "a test that cannot go on stops"
    )
)]

#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(not(target_arch = "wasm32"))]
#[path = "native/play.rs"]
mod play;

#[cfg(not(target_arch = "wasm32"))]
use play::main;

#[cfg(target_arch = "wasm32")]
fn main() {}
