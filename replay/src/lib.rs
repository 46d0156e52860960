//! Scenarios: what a driver must do, told as data, and played the same everywhere.
//!
//! A [`Fixture`] says how the world is, what happens, and what must come of it. The [`World`] is the
//! host of such a scenario: it stores, sends and tells the time as the fixture has it, in virtual
//! time. The [`play`]er takes the steps one after the other on a [`Stage`]: the native driver, the
//! slot, a browser. Nothing here may know a driver's code or read a real clock; only `folder` reads files.

mod fixture;
mod folder;
mod player;
mod stage;
mod supervised;
mod world;

pub use fixture::{
    Answer, Doors, EventStep, Expected, Fixture, PostFailure, Receiver, RequestStep, Step,
    StorageMode, Unlock, text,
};
pub use folder::{fixtures_below, read_fixture};
pub use player::{Failure, play};
pub use stage::{Call, Outcome, Response, Stage, Ticket};
pub use supervised::{Instance, Supervised};
pub use world::{Change, CommitError, Post, World};
