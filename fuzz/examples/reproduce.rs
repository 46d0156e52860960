//! Runs inputs through a target: `reproduce TARGET FILE…`. It ends as the target does, without libFuzzer
//! and so with everything that a debugger or `RUST_BACKTRACE` shows.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let target = arguments
        .next()
        .and_then(|name| rhombus_fuzz::target(&name));
    let Some(target) = target else {
        let names: Vec<_> = rhombus_fuzz::TARGETS
            .iter()
            .map(|(name, _)| *name)
            .collect();
        eprintln!(
            "usage: reproduce TARGET FILE…, where TARGET is one of {}",
            names.join(", ")
        );
        return ExitCode::FAILURE;
    };
    for file in arguments {
        match std::fs::read(&file) {
            Ok(input) => target(&input),
            Err(error) => {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
        eprintln!("{file}: nothing is wrong");
    }
    ExitCode::SUCCESS
}
