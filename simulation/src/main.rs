//! `simulate`: random histories from the command line.

mod flags;

use std::process::ExitCode;
use std::time::Instant;

use simulation::time::HOUR;
use simulation::{history, many};

use flags::Simulate;

fn main() -> ExitCode {
    let flags = Simulate::from_env_or_exit();
    let first = flags.seed.unwrap_or(1);
    let broken = if flags.trace {
        let (trace, outcome) = history::trace(first);
        say(&trace);
        outcome.err().into_iter().collect()
    } else {
        many(first, flags.histories.unwrap_or(1))
    };
    for history::Broken { seed, what } in &broken {
        say(&format!(
            "seed {seed}: {what}\nto see it: cargo xtask simulate --seed {seed} --trace\n"
        ));
    }
    if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn many(first: u64, count: u64) -> Vec<history::Broken> {
    let started = Instant::now();
    let many::Summary {
        histories,
        total,
        broken,
    } = many::run(first, count);
    say(&format!(
        "{histories} histories, {} broken, in {:.1} s: {} events, {} attempts, {} lives of the driver, \
         {} simulated hours",
        broken.len(),
        started.elapsed().as_secs_f32(),
        total.events,
        total.attempts,
        total.instances,
        total.elapsed / HOUR,
    ));
    broken
}

/// This is the command's result.
#[expect(clippy::print_stdout, reason = "it is the command's result")]
fn say(text: &str) {
    println!("{text}");
}
