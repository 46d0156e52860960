//! Test suites that others wrote, and what judges the driver by them.
//!
//! Own tests show what their authors thought of. These suites collect what went wrong in the software of
//! others: they are taken whole, none of their cases is left out, and each place that the driver runs in
//! is held to the same [`Count`].

#![expect(
    clippy::expect_used,
    reason = "tests use it, and a suite that cannot be read ends them"
)]

mod count;
pub mod hmac;
pub mod json;
mod not_utf8;
#[cfg(not(target_arch = "wasm32"))]
mod program;
mod secrets;

pub use count::Count;
pub use not_utf8::NOT_UTF8;
#[cfg(not(target_arch = "wasm32"))]
pub use program::{Suite, main};
pub use secrets::{Secret, secrets};
