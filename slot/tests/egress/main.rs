//! The way out of the slot: where a POST may go, how it travels, and what is said of one that
//! fails. The servers are real ones on the loopback network; only DNS is a script.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod rule;
mod tls;
mod wire;
mod world;
