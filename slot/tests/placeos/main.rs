//! The program as a driver of PlaceOS: started as a process, spoken to over a real socket, its state
//! in a real Redis. Core is a double that keeps to the published protocol and refuses what core would.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

#[path = "../model/mod.rs"]
mod model;
mod program;
mod receiver;

mod bounds;
mod check;
mod cluster;
mod connections;
mod doors;
mod events;
mod faults;
mod modules;
mod protocol;
mod restart;
mod settings;
mod store;
mod traps;
mod unlocks;
mod webhook;
