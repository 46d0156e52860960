//! A building's doors all at once.

use std::time::Duration;

use crate::load::contestant::Contestant;
use crate::load::receivers::Manner;
use crate::load::report::{Figure, Section, Target, Whom};
use crate::load::stage::Stage;
use crate::load::stats::percentile_ms;

use super::answering;

/// Events in a burst, over fifty doors.
pub(super) const EVENTS: usize = 100;
/// How long receivers take that do not answer at once.
pub(super) const SLOW: Duration = Duration::from_millis(100);
/// POSTs that the bare client may have under way: as many as the driver.
const IN_FLIGHT: usize = 2048;

pub(in crate::load) async fn burst(stage: &Stage) -> Section {
    let mut figures = Vec::new();
    for manner in [Manner::AtOnce, Manner::After(SLOW)] {
        for subscribers in [1, 10, 100] {
            let subscribers = stage.effort.of(subscribers);
            figures.extend(of_one_kind(stage, manner, subscribers).await);
        }
    }
    Section {
        name: "burst",
        title: "A burst of 100 events over 50 doors",
        how: vec![
            "From publishing the events, all at once, to each event's last receipt by a subscriber. They go \
             through Redis to core's process, or by 32 connections to the gateway, which saves each before it \
             answers. The bare client knows no doors, and so keeps no order; it has as many POSTs under way as \
             the driver may have, 2,048, but is not held to 32 for each subscriber.",
        ],
        figures,
        ..Section::default()
    }
}

async fn of_one_kind(stage: &Stage, manner: Manner, subscribers: usize) -> Vec<Figure> {
    let mut ours = Contestant::driver(&stage.process(), manner, subscribers, &[]).await;
    ours.burst(stage.numbers(1)).await;
    let bare = Contestant::bare(&stage.bare, &ours, manner, IN_FLIGHT);
    let gateway = Contestant::driver(&stage.gateway(), manner, subscribers, &[]).await;
    let mut contestants = vec![ours, bare, gateway];
    if let Some(peer) = stage.peer() {
        contestants.push(Contestant::driver(&peer, manner, subscribers, &[]).await);
    }
    let events = stage.effort.of(EVENTS);
    let bursts = if manner == Manner::AtOnce { 3 } else { 1 };
    let results = stage
        .in_turn(stage.effort.rounds, &mut contestants, async |contestant| {
            percentiles(stage, contestant, events, bursts).await
        })
        .await;

    let mut figures = Vec::new();
    for (percentile, name) in ["p50", "p99"].into_iter().enumerate() {
        let of = |place: usize| -> Vec<f64> {
            let rounds = results[place].iter();
            rounds.map(|percentiles| percentiles[percentile]).collect()
        };
        let what = format!("{}: {name}", answering(subscribers, manner));
        let mut figure = Figure::new(&what, "ms", &of(0)).beside(Whom::Bare, &of(0), &of(1));
        if results.len() > 3 {
            figure = figure.beside(Whom::Peer, &of(0), &of(3));
        }
        figure.targets.extend(match (manner, subscribers, name) {
            (Manner::After(_), 10, "p99") => Some(Target::AtMost(500.0)),
            (Manner::After(_), 100, "p99") => Some(Target::AtMost(1200.0)),
            _ => None,
        });
        figures.push(figure);
        let through = format!("{what}, through the gateway");
        figures.push(Figure::new(through, "ms", &of(2)).beside(Whom::Bare, &of(2), &of(1)));
    }
    figures
}

/// The median and the 99th percentile of some bursts, in milliseconds.
pub(super) async fn percentiles(
    stage: &Stage,
    contestant: &mut Contestant,
    events: usize,
    bursts: usize,
) -> [f64; 2] {
    let mut took = Vec::new();
    for _ in 0..bursts {
        took.extend(contestant.burst(stage.numbers(events)).await);
    }
    [0.5, 0.99].map(|share| percentile_ms(&mut took, share))
}
