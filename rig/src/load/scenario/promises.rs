//! The benchmarks that are commands of their own, as they print themselves.

use crate::bench;
use crate::load::report::Section;
use crate::load::stage::Stage;

pub(in crate::load) async fn promises(stage: &Stage) -> Section {
    let slot = &stage.slot;
    let verdicts = [
        ("slow-subscriber", bench::slow_subscriber(slot).await),
        ("backlog", bench::backlog(slot).await),
        ("start", bench::start(slot).await),
        ("hostile-clients", bench::hostile_clients(slot).await),
    ];
    Section {
        name: "promises",
        title: "Promises",
        how: vec![
            "Each is a command of its own, `cargo xtask bench` with its name, and fails when a promise is \
             broken.",
        ],
        printed: verdicts
            .iter()
            .map(|(name, verdict)| format!("{name}\n{verdict}"))
            .collect(),
        ..Section::default()
    }
}
