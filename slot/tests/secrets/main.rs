//! Secrets, and the paths of webhooks, which are as good as secrets: the program never shows them. It
//! is run with its log at its most verbose, with a secret in every place where one can be, and every
//! byte that it writes is searched.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod disguise;
mod fixtures;
mod gateway;
mod machine;
mod mistakes;
mod needles;
mod placeos;
mod receiver;
mod search;
mod secrets;
mod terminal;

use std::io::{Write, stdout};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_placeos-slot");

/// The tests run without a harness, so that the line which counts reaches whoever runs them.
fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let conclusion = libtest_mimic::run(
        &arguments,
        vec![
            trial(
                "they_are_found_in_every_form",
                needles::they_are_found_in_every_form,
            ),
            trial(
                "no_fixture_shows_what_it_holds",
                fixtures::no_fixture_shows_what_it_holds,
            ),
            trial("the_gateway_shows_none", || {
                block_on(gateway::the_gateway_shows_none());
            }),
            trial(
                "what_cannot_start_shows_none",
                mistakes::what_cannot_start_shows_none,
            ),
            trial("a_terminal_gets_the_banner_and_no_more", || {
                block_on(terminal::a_terminal_gets_the_banner_and_no_more());
            }),
            trial("a_driver_of_placeos_shows_none", || {
                block_on(placeos::a_driver_of_placeos_shows_none());
            }),
            trial("a_command_line_shows_none", || {
                block_on(machine::a_command_line_shows_none());
            }),
            trial("its_memory_is_closed", machine::its_memory_is_closed),
        ],
    );
    let (secrets, bytes) = search::count();
    if secrets > 0 && !conclusion.has_failed() {
        let line = format!("secrets: {secrets} searched in {bytes} bytes of output, none found\n");
        stdout().write_all(line.as_bytes()).unwrap();
    }
    conclusion.exit_code()
}

fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        test();
        Ok(())
    })
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}
