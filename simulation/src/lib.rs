//! The driver in a world of its own: deterministic, faulty, and watched.
//!
//! A [`Site`] runs the native driver on a host whose time, storage and receivers are simulated.
//! Everything that the host sees is held against laws (`laws/`), from the first call to the last.
//! [`history`] lets random things happen to a site; the scenarios in `tests/` let chosen ones
//! happen. One seed makes one history: it replays to the byte.

mod agenda;
mod book;
mod event;
mod fact;
mod health;
pub mod history;
mod host;
mod laws;
mod ledger;
pub mod many;
mod node;
mod receiver;
mod record;
mod site;
mod store;
pub mod time;
mod witness;
mod world;

pub use fact::{Answer, CallId, EventNumber};
pub use receiver::{Mood, RetryAfter};
pub use site::{Receipt, Site};
pub use store::Weather;
pub use witness::Violation;
