//! `rig`: what `cargo xtask crash`, `bench`, `dist` and `store-fixture` run.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicU64;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rig::load::{Effort, Machine, Scenario, Stage};
use rig::{bench, crash, empty_root, load, store_fixture};

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
        /// Where it has its records; with redis it is the driver of a PlaceOS core
        #[arg(long, value_enum, default_value = "redb")]
        store: Store,
        /// How often
        #[arg(long, default_value_t = 20)]
        kills: usize,
        /// Repeats the random choices of an earlier run
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Measure it; fails if it does not keep what is promised
    Bench {
        /// What
        benchmark: Benchmark,
    },
    /// Measure it under load, beside a bare client and another driver; prints a page in Markdown
    Load(Load),
    /// Run it in a root folder with nothing else in it; as root
    EmptyRoot,
    /// Have it write a store with every kind of record, for later versions to open
    StoreFixture {
        /// Where to put it; must not be there
        folder: PathBuf,
    },
}

#[derive(Args, Debug)]
struct Load {
    /// Measure these only
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// Measure this executable too: another one that speaks PlaceOS' process protocol
    #[arg(long, value_name = "FILE")]
    peer: Option<PathBuf>,
    /// What does the work of an event in each engine, for the scenario sandbox
    #[arg(long, value_name = "FOLDER")]
    micro: Option<PathBuf>,
    /// Write BENCHMARKS.md, and benchmarks/ with the data and the curves, into this folder
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
    /// A version to note
    #[arg(long = "note", value_name = "NAME=TEXT", value_parser = named::<String>)]
    notes: Vec<(String, String)>,
    /// A file whose size to tell
    #[arg(long = "size", value_name = "NAME=FILE", value_parser = named::<PathBuf>)]
    sizes: Vec<(String, PathBuf)>,
    /// A file of the package for JavaScript that a browser fetches
    #[arg(long, value_name = "FILE")]
    fetched: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Store {
    /// A file: it is a gateway
    Redb,
    /// A Redis, which is killed too
    Redis,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Benchmark {
    /// How much later nine subscribers get events beside one that never answers
    SlowSubscriber,
    /// How soon it sends, and in what memory, with 100,000 deliveries pending
    Backlog,
    /// How soon PlaceOS can use it, and in what memory it waits
    Start,
    /// How much later a good webhook client is answered beside slow and oversized ones
    HostileClients,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { slot, command } = Cli::parse();
    let (text, is_good) = match command {
        Command::Crash { store, kills, seed } => {
            let seed = seed.unwrap_or_else(|| fastrand::u64(..));
            let store = match store {
                Store::Redb => crash::Store::Redb,
                Store::Redis => crash::Store::Redis,
            };
            let report = crash::run(&slot, store, kills, seed).await;
            (report.to_string(), report.is_clean())
        }
        Command::Bench { benchmark } => {
            let verdict = match benchmark {
                Benchmark::SlowSubscriber => bench::slow_subscriber(&slot).await,
                Benchmark::Backlog => bench::backlog(&slot).await,
                Benchmark::Start => bench::start(&slot).await,
                Benchmark::HostileClients => bench::hostile_clients(&slot).await,
            };
            (verdict.to_string(), verdict.is_kept())
        }
        Command::Load(flags) => (measure(slot, flags).await, true),
        Command::EmptyRoot => (empty_root(&slot).await.join("\n"), true),
        Command::StoreFixture { folder } => (store_fixture(&slot, &folder).await, true),
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

/// Measures, and writes the report if that is asked; answers the page.
async fn measure(slot: PathBuf, flags: Load) -> String {
    let own = env::current_exe().unwrap_or_else(|error| panic!("where is this program? {error}"));
    let stage = Stage {
        slot,
        peer: flags.peer,
        bare: load::bare_client_beside(&own),
        micro: flags.micro,
        sizes: flags.sizes,
        fetched: flags.fetched,
        effort: Effort::FULL,
        next: AtomicU64::new(0),
    };
    let scenarios = match flags.only {
        none if none.is_empty() => Scenario::value_variants().to_vec(),
        some => some,
    };
    // What is written down is to be relied on, also when the programs have just been built.
    let machine = match flags.report {
        Some(_) => Machine::calm(flags.notes).await,
        None => Machine::this(flags.notes),
    };
    let mut report = load::run(&stage, &scenarios, machine).await;
    if let Some(folder) = flags.report {
        report.write(&folder);
    }
    report.to_page()
}

fn named<T: From<String>>(text: &str) -> Result<(String, T), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned().into()))
}
