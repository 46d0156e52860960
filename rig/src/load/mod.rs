//! How fast the driver is, at what cost, and how both grow: as figures that anybody can take again, each
//! beside a limit or another driver in the same run.

mod bare;
mod building;
mod contestant;
mod events;
mod receivers;
mod report;
mod scenario;
mod site;
mod stage;
mod stats;
mod worker;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;

pub use self::bare::bare_client;
pub use self::report::{Beside, Curve, Figure, Machine, Report, Section, Target, Whom};
pub use self::stage::{Effort, Stage};
pub use self::stats::Spread;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// A hundred events at once: how long they take to the last subscriber
    Burst,
    /// The same beside a dead and a hanging subscriber
    Neighbours,
    /// Events without end: deliveries a second, and what one costs
    Sustained,
    /// Events a second that are saved before they are answered
    Accepted,
    /// Webhook requests a second, and how soon each verb is answered
    Verbs,
    /// From spawning it to its first delivery; memory and sizes
    Start,
    /// All that with more and more subscribers, doors and pending deliveries
    Growth,
    /// The work of an event and a call of the driver, natively and in each engine of WebAssembly
    Sandbox,
    /// The benchmarks that promise something
    Promises,
}

/// Measures on `machine` what is asked for, one after the other, and says on standard error what it is at.
pub async fn run(stage: &Stage, scenarios: &[Scenario], machine: Machine) -> Report {
    let begun = Instant::now();
    let mut sections = Vec::new();
    for scenario in scenarios {
        eprintln!("rig: {scenario:?}, {} s so far", begun.elapsed().as_secs());
        sections.push(measure(*scenario, stage).await);
    }
    Report {
        machine,
        seconds: begun.elapsed().as_secs(),
        sections,
    }
}

async fn measure(scenario: Scenario, stage: &Stage) -> Section {
    match scenario {
        Scenario::Burst => scenario::burst(stage).await,
        Scenario::Neighbours => scenario::neighbours(stage).await,
        Scenario::Sustained => scenario::sustained(stage).await,
        Scenario::Accepted => scenario::accepted(stage).await,
        Scenario::Verbs => scenario::verbs(stage).await,
        Scenario::Start => scenario::start(stage).await,
        Scenario::Growth => scenario::growth(stage).await,
        Scenario::Sandbox => scenario::sandbox(stage).await,
        Scenario::Promises => scenario::promises(stage).await,
    }
}

/// Where the program of the bare client is: it is built beside `program`, which is this one.
pub fn bare_client_beside(program: &Path) -> PathBuf {
    program.with_file_name("bare-client")
}
