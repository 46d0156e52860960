//! The gateway and the sample receiver, as their callers see them: over real HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

// The gateway alone, before a pretended driver.
mod console;
mod doors;
mod host;
mod limits;
mod live;
mod login;
mod metrics;
mod operators;
mod pages;
mod paths;
mod pretended;
mod protocol;
mod raw;
mod server;
mod signal;
mod slow_clients;
mod smuggling;
mod webhook;

// The program.
mod disk;
mod end_to_end;
mod functions;
mod injection;
mod private_files;
mod program;
mod receive;
mod refusal;
mod replay;
mod restart;
mod subscriber;
