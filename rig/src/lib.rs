//! The real `placeos-slot` before real receivers: what tests start it with, the crashes that it must
//! survive, and the benchmarks.
//!
//! It is equipment of tests: what it cannot do ends the run with a panic that says what.

#![expect(
    clippy::unwrap_used,
    reason = "the rig's own faults must end the run, as a test's do"
)]

pub mod bench;
pub mod client;
pub mod crash;
mod empty_root;
pub mod load;
pub mod placeos;
pub mod program;
mod store_fixture;
pub mod wire;

pub use empty_root::empty_root;
pub use store_fixture::store_fixture;
