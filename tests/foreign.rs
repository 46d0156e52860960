//! Suites that others wrote, over the native driver. On wasm32 the tests `web` and `node` have their share.

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
#[path = "native/suites.rs"]
mod suites;

#[cfg(not(target_arch = "wasm32"))]
use suites::main;

#[cfg(target_arch = "wasm32")]
fn main() {}
