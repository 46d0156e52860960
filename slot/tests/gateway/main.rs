//! The gateway and the sample receiver, as their callers see them: over real HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod client;
mod http;
mod receive;
