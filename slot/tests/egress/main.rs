//! The way out of the slot: where a POST may go, how it travels, and what is said of one that
//! fails. The servers are real ones on the loopback network. DNS is a script, or a name server of the
//! tests' own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod dns;
mod endless;
mod name_server;
mod rule;
mod tls;
mod wire;
mod world;
