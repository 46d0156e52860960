//! Suites that others wrote, over the slot: the component in its engine, and the real program.
//!
//! They run without a harness, so that the lines which count reach whoever runs them.

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
use std::sync::mpsc;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (say, said) = mpsc::channel();
    let trial = |name, run: fn() -> Result<String, String>| {
        let say = say.clone();
        Trial::test(name, move || Ok(say.send(run()?)?))
    };
    let trials = vec![
        trial(
            "json_is_what_others_read_and_takes_no_memory",
            json::json_is_what_others_read_and_takes_no_memory,
        ),
        trial(
            "the_libraries_accept_what_is_signed_and_nothing_else",
            standard_webhooks::the_libraries_accept_what_is_signed_and_nothing_else,
        ),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials);
    #[expect(clippy::print_stdout, reason = "these lines are what it is run for")]
    for line in said.try_iter() {
        println!("{line}");
    }
    conclusion.exit_code()
}

/// The folder of the workspace.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
