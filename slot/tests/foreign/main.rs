//! Suites that others wrote, over the slot: the component in its engine, and the real program.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

mod json;
mod library;
mod receiver;
mod standard_webhooks;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    foreign::main([
        (
            "json_is_what_others_read_and_takes_no_memory",
            json::json_is_what_others_read_and_takes_no_memory,
        ),
        (
            "the_libraries_accept_what_is_signed_and_nothing_else",
            standard_webhooks::the_libraries_accept_what_is_signed_and_nothing_else,
        ),
    ])
}

/// The folder of the workspace.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
