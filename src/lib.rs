//! The Rhombus driver for PlaceOS: door events to video, unlocks to doors.
//!
//! A driver knows the subscriptions of one module, sends each door event to every subscriber, and
//! answers the webhook by which Rhombus subscribes, lists doors and unlocks them. It is plain Rust
//! over one trait, [`Host`](host::Host), and so runs the same in a simulation, in a browser and in
//! a PlaceOS module slot.
//!
//! # The one rule
//!
//! Outside `bindings/`, nothing here may do I/O, read a clock, draw a random number or keep a
//! global. Whatever the driver needs from the world it asks of the `Host`.

pub mod book;
mod clock;
mod deadline;
pub mod delivery;
mod directory;
pub mod door;
mod doubts;
pub mod driver;
pub mod host;
pub mod intake;
mod joint;
mod kept;
pub mod key;
pub mod mac;
pub mod notification;
pub mod operators;
mod pages;
mod record;
mod report;
mod saved_copy;
pub mod seen;
pub mod settings;
mod signer;
pub mod sorted;
pub mod subscription;
mod tasks;
mod unlock;
pub mod webhook;
mod writer;

mod bindings;

#[cfg(all(feature = "js", target_arch = "wasm32"))]
pub use bindings::RhombusDriver;
pub use driver::Driver;
