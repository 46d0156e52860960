//! The gateway and the sample receiver, as their callers see them: over real HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

// The gateway alone, before a pretended driver.
mod metrics;
mod operators;
mod pretended;
mod server;
mod signal;
mod webhook;

// The program.
mod disk;
mod end_to_end;
mod functions;
mod program;
mod receive;
mod refusal;
mod replay;
mod restart;
mod subscriber;
