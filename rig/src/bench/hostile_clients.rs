//! A good webhook client, idle and beside clients that are slow on purpose or send too much.

mod attackers;
mod good;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::program::{Place, until};

use self::attackers::{Attackers, OVERSIZED_A_SECOND, SLOW};
use super::{Verdict, ms, percentile};

/// Rounds of each kind, in turn, so that whatever else the machine does falls on both.
const ROUNDS: usize = 6;
/// How long a round takes.
const ROUND: Duration = Duration::from_secs(5);
/// How long the hostile ones have the gateway for themselves before it is measured: that all of them
/// come at once is another attack.
const SETTLE: Duration = Duration::from_secs(1);
/// By how many milliseconds the hostile ones may worsen the good one's slowest hundredth.
const MOST: f64 = 50.0;

/// Asks the gateway of the program at `program` for its doors at a steady pace, in turn with nobody
/// else there, and with all the hostile ones, which know the webhook's secret.
pub async fn hostile_clients(program: &Path) -> Verdict {
    let place = Place::new(program);
    let mut command = place.serve(&["--demo", "--swipe-every=0"]);
    command.env("PLACEOS_SLOT_LOG", "error");
    let gateway = place.start_by(command).await;
    let [_, hook] = gateway.access.hooks();
    let address = gateway.address();

    let (mut idle, mut beside) = (Vec::new(), Vec::new());
    let attackers = Arc::new(Attackers::new(address, hook.clone()));
    // One that is not counted: connections are opened, pages of memory come in.
    good::ask(address, hook.clone(), ROUND).await;
    for _ in 0..ROUNDS {
        idle.extend(good::ask(address, hook.clone(), ROUND).await);
        let attack = attackers.begin();
        until("the slow ones", async || {
            (attackers.slow_now() == SLOW).then_some(())
        })
        .await;
        tokio::time::sleep(SETTLE).await;
        beside.extend(good::ask(address, hook.clone(), ROUND).await);
        attack.end().await;
    }
    idle.sort();
    beside.sort();

    let mut verdict = Verdict::new();
    for (name, latencies) in [("idle", &idle), ("beside", &beside)] {
        verdict.say(format!(
            "{name:<6} {} requests: p50 {:.2} ms, p99 {:.2} ms",
            latencies.len(),
            ms(percentile(latencies, 0.5)),
            ms(percentile(latencies, 0.99)),
        ));
    }
    let [oversized, refused] = attackers.oversized();
    verdict.say(format!(
        "beside {SLOW} slow connections and {OVERSIZED_A_SECOND} oversized bodies a second, \
         {oversized} in all"
    ));
    let later = ms(percentile(&beside, 0.99)) - ms(percentile(&idle, 0.99));
    verdict.promise(
        "p99 beside them less p99 idle, in ms",
        (later * 100.0).round() / 100.0,
        MOST,
    );
    verdict.promise(
        "oversized bodies that were not answered 413",
        oversized - refused,
        0,
    );
    verdict
}
