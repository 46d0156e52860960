//! `placeos-slot`: runs the Rhombus driver in a module slot. See `placeos-slot --help`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use placeos_slot::cli::{self, Cli, Command, PlaceOs};
use placeos_slot::module::Manifest;
use placeos_slot::placeos::metadata;
use placeos_slot::{check, install, logging, placeos, receive, replay, serve};
use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask,
};
use zeroize::Zeroizing;

/// musl's own allocator is slow where threads allocate at the same time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| cli::untold(error).exit());
    match start().and_then(|()| run(cli)) {
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
    // Where the system hands dumps to a program of its own, the limit does not count, and this does. It
    // also keeps other processes of the same user out of the memory.
    setrlimit(Resource::Core, none)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .map_err(|error| Failure::of_system(format!("cannot forbid core dumps: {error}")))?;
    // What is made is its owner's alone, whatever the shell says.
    umask(Mode::RWXG | Mode::RWXO);
    // Each delivery under way needs a socket, and many shells give a program 1,024 files.
    let files = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: files.maximum,
        ..files
    };
    setrlimit(Resource::Nofile, all)
        .map_err(|error| Failure::of_system(format!("cannot have more open files: {error}")))
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Some(command) => serve_people(command),
        None => serve_placeos(&cli.placeos),
    }
}

/// Does what PlaceOS asks of a driver.
fn serve_placeos(flags: &PlaceOs) -> Result<(), Failure> {
    if flags.edge {
        return Err(Failure::of_use(
            "-e: this driver works for a system and keeps its records in Redis; an edge has neither. \
             Give its module to a core, not to an edge",
        ));
    }
    if let Some(socket) = &flags.socket {
        return placeos::run(socket).map_err(Failure::of_system);
    }
    let manifest = Manifest::embedded();
    let line = match (flags.defaults, flags.metadata) {
        (true, true) => metadata::defaults_and_metadata(&manifest),
        (true, false) => metadata::defaults(&manifest),
        (false, _) => metadata::metadata(&manifest),
    };
    writeln!(io::stdout().lock(), "{line}").map_err(Failure::of_system)
}

fn serve_people(command: Command) -> Result<(), Failure> {
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
        Command::Check(arguments) => {
            let print = |line: &str| drop(writeln!(io::stdout().lock(), "{line}"));
            let can_work = block_on(check::run(arguments, print))?.map_err(Failure::of_use)?;
            if can_work {
                Ok(())
            } else {
                Err(Failure::of_system("this place cannot work as it is"))
            }
        }
        Command::Install(arguments) => {
            let cli::Install {
                file_name,
                commit,
                dir,
            } = arguments;
            let path = install::run(&file_name, &commit, &dir).map_err(Failure::of_system)?;
            writeln!(io::stdout().lock(), "{}", path.display()).map_err(Failure::of_system)
        }
    }
}

fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::of_system(format!("cannot start threads: {error}")))?;
    Ok(runtime.block_on(future))
}
