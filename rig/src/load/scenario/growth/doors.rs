//! More and more doors.

use std::time::Instant;

use serde_json::json;

use crate::load::contestant::Contestant;
use crate::load::receivers::Manner;
use crate::load::report::Curve;
use crate::load::site::{Process, memory};
use crate::load::stage::Stage;
use crate::load::stats::percentile_ms;
use crate::placeos::{MODULE, Redis};

const DOORS: [usize; 6] = [1, 1_000, 2_500, 5_000, 7_500, 10_000];
/// Subscribers, and events of each point: every door has one at least.
const SUBSCRIBERS: usize = 5;
const EVENTS: usize = 10_000;
const WINDOW: u64 = 64;
/// Lists of all doors that are asked for, one after the other.
const LISTS: usize = 21;

pub(super) async fn curves(stage: &Stage) -> Vec<Curve> {
    let mut curves = super::curves(
        "doors",
        [
            ("Cost of a delivery by doors", "µs of the processor"),
            ("Memory by doors", "MB"),
            ("List of all doors", "ms, p50"),
        ],
    );
    for doors in DOORS.map(|doors| stage.effort.of(doors)) {
        let subject = stage.process();
        let mut contestant = Contestant::driver(&subject, Manner::AtOnce, SUBSCRIBERS, &[]).await;
        contestant.set_doors(doors as u64);
        contestant.burst(stage.numbers(1)).await;
        let events = stage.effort.of(EVENTS);
        let before = contestant.cpu().await;
        contestant.stream(stage.numbers(events), WINDOW).await;
        let used = contestant.cpu().await - before;
        super::add(
            &mut curves,
            doors,
            [
                used.as_secs_f64() * 1e6 / (events * SUBSCRIBERS) as f64,
                memory(contestant.site().pid()),
                list(stage, doors).await,
            ],
        );
    }
    curves.into()
}

/// How long a list of so many doors takes, in milliseconds.
async fn list(stage: &Stage, doors: usize) -> f64 {
    let process = Process::start(&stage.process(), Redis::start().await, &[], doors).await;
    let mut took = Vec::new();
    for _ in 0..LISTS {
        let asked = Instant::now();
        let (status, body) = process.core.hook(MODULE, "GET", json!({})).await;
        took.push(asked.elapsed());
        assert_eq!(status, 200, "{body}");
    }
    percentile_ms(&mut took, 0.5)
}
