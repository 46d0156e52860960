//! The face of a PlaceOS driver: a core starts this program, speaks to it by a socket, and has it run
//! as many modules as it wants; their state is in PlaceOS's Redis.

mod answer;
mod attendance;
mod doors;
mod intake;
mod link;
mod log;
pub mod metadata;
mod obeyed;
mod process;
pub mod redis;
mod settings;
mod slot;
mod webhook;

pub use process::{ProcessError, run};
