//! `rig`: what `cargo xtask crash` runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rig::crash;

/// The real placeos-slot before real receivers.
#[derive(Debug, Parser)]
struct Cli {
    /// The program placeos-slot
    #[arg(long, value_name = "FILE")]
    slot: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Kill it while events flow, and count what is lost
    Crash {
        /// How often
        #[arg(long, default_value_t = 20)]
        kills: usize,
        /// Repeats the random choices of an earlier run
        #[arg(long)]
        seed: Option<u64>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { slot, command } = Cli::parse();
    let (text, is_good) = match command {
        Command::Crash { kills, seed } => {
            let seed = seed.unwrap_or_else(|| fastrand::u64(..));
            let report = crash::run(&slot, kills, seed).await;
            (report.to_string(), report.is_clean())
        }
    };
    #[expect(clippy::print_stdout, reason = "this is the command's result")]
    {
        println!("{text}");
    }
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
