//! More and more subscribers.

use crate::load::contestant::Contestant;
use crate::load::receivers::Manner;
use crate::load::report::Curve;
use crate::load::site::memory;
use crate::load::stage::Stage;
use crate::load::stats::percentile_ms;

const SUBSCRIBERS: [usize; 5] = [1, 250, 500, 750, 1000];
/// Events of each point, one after the other.
const EVENTS: usize = 50;

pub(super) async fn curves(stage: &Stage) -> Vec<Curve> {
    let mut curves = super::curves(
        "subscribers",
        [
            ("Last receipt of an event by subscribers", "ms, p50"),
            ("Cost of an event by subscribers", "ms of the processor"),
            ("Memory by subscribers", "MB"),
        ],
    );
    for subscribers in SUBSCRIBERS.map(|subscribers| stage.effort.of(subscribers)) {
        let subject = stage.process();
        let mut contestant = Contestant::driver(&subject, Manner::AtOnce, subscribers, &[]).await;
        contestant.burst(stage.numbers(1)).await;
        let events = stage.effort.of(EVENTS);
        let before = contestant.cpu().await;
        let mut took = Vec::new();
        for _ in 0..events {
            took.extend(contestant.burst(stage.numbers(1)).await);
        }
        let used = contestant.cpu().await - before;
        super::add(
            &mut curves,
            subscribers,
            [
                percentile_ms(&mut took, 0.5),
                used.as_secs_f64() * 1000.0 / events as f64,
                memory(contestant.site().pid()),
            ],
        );
    }
    curves.into()
}
