//! The driver in Node: the tests of `web.rs`.

#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

mod js;

/// Where this runs, for lines that are read.
const PLACE: &str = "Node";
