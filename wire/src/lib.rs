//! What PlaceOS core and a driver's process say to each other: frames, messages, calls, and what a
//! driver says of itself.
//!
//! It only reads and writes. The slot acts on what it reads; this stands apart from it so that the
//! readers can be fuzzed without a WebAssembly engine around them.

#![forbid(unsafe_code)]

pub mod exec;
pub mod frame;
mod manifest;
mod message;
mod model;
mod plain_name;

pub use manifest::{Function, Manifest, Parameter, Security, Setting, Writer};
pub use message::{Command, Message};
pub use model::{Model, SlotSettings};
pub use plain_name::plain_name;
