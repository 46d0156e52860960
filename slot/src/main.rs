//! `placeos-slot`: runs the Rhombus driver in a module slot. See `placeos-slot --help`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use placeos_slot::cli::{Cli, Command};
use placeos_slot::{logging, receive, replay, serve};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use zeroize::Zeroizing;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    match start().and_then(|()| run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("placeos-slot: {}", failure.text);
            failure.code.into()
        }
    }
}

/// What ends the program, in one line. Code 2 is for what its user asked wrongly, as clap has it,
/// 1 for everything else.
struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    fn of_use(error: impl ToString) -> Self {
        Self {
            code: 2,
            text: error.to_string(),
        }
    }

    fn of_system(error: impl ToString) -> Self {
        Self {
            code: 1,
            text: error.to_string(),
        }
    }
}

fn start() -> Result<(), Failure> {
    logging::start().map_err(Failure::of_use)?;
    // A dump of the memory would hold every secret.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)
        .map_err(|error| Failure::of_system(format!("cannot forbid core dumps: {error}")))?;
    // Each delivery under way needs a socket, and many shells give a program 1,024 files.
    let files = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: files.maximum,
        ..files
    };
    setrlimit(Resource::Nofile, all)
        .map_err(|error| Failure::of_system(format!("cannot have more open files: {error}")))
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => block_on(serve::run(arguments))?.map_err(|error| {
            if error.is_of_use() {
                Failure::of_use(error)
            } else {
                Failure::of_system(error)
            }
        }),
        Command::Receive(arguments) => {
            let secret = arguments.secret.map(Zeroizing::new);
            block_on(receive::run(arguments.listen, secret))?.map_err(Failure::of_system)
        }
        Command::Replay(arguments) => {
            let mut out = io::stdout().lock();
            // Whoever closed the output still wants to know how it ends.
            let print = |line: &str| drop(writeln!(out, "{line}"));
            replay::run(&arguments.fixtures, print).map_err(Failure::of_system)
        }
    }
}

fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::of_system(format!("cannot start threads: {error}")))?;
    Ok(runtime.block_on(future))
}
