//! Events without end.

use crate::load::contestant::Contestant;
use crate::load::receivers::Manner;
use crate::load::report::{Figure, Section, Target, Whom};
use crate::load::stage::Stage;

use super::counted;

/// Subscribers, events under way at a time, and events in a round.
const KINDS: [(usize, u64, usize); 4] = [
    (1, 1, 1_000),
    (1, 128, 10_000),
    (10, 64, 4_000),
    (100, 64, 500),
];
/// POSTs that the bare client has under way: more make it no faster.
const IN_FLIGHT: usize = 64;
/// What a delivery may cost, saved and sent, in microseconds.
const CPU: f64 = 25.0;

pub(in crate::load) async fn sustained(stage: &Stage) -> Section {
    let mut figures = Vec::new();
    for kind in KINDS {
        figures.extend(of_one_kind(stage, kind).await);
    }
    Section {
        name: "sustained",
        title: "Events without end",
        how: vec![
            "Deliveries from the first event to the last receipt, by receivers that answer at once; a new event \
             is published when there are fewer under way than said. The driver is core's process and has every \
             event in Redis, which syncs its file before it acknowledges, before it sends it. The bare client \
             posts the same bytes, 64 at a time, or one at a time where one event is under way.",
            "The processor's time is that of the process, user and system, by delivery. Redis' and the \
             receivers' are not in it; all of them share the machine.",
        ],
        figures,
        ..Section::default()
    }
}

async fn of_one_kind(
    stage: &Stage,
    (subscribers, window, events): (usize, u64, usize),
) -> [Figure; 2] {
    let subscribers = stage.effort.of(subscribers);
    let events = stage.effort.of(events);
    let manner = Manner::AtOnce;
    let mut ours = Contestant::driver(&stage.process(), manner, subscribers, &[]).await;
    ours.burst(stage.numbers(1)).await;
    let in_flight = if window == 1 { 1 } else { IN_FLIGHT };
    let bare = Contestant::bare(&stage.bare, &ours, manner, in_flight);
    let mut contestants = vec![ours, bare];
    if let Some(peer) = stage.peer() {
        contestants.push(Contestant::driver(&peer, manner, subscribers, &[]).await);
    }
    let deliveries = (events * subscribers) as f64;
    let results = stage
        .in_turn(stage.effort.rounds, &mut contestants, async |contestant| {
            let before = contestant.cpu().await;
            let took = contestant.stream(stage.numbers(events), window).await;
            let used = contestant.cpu().await - before;
            [
                deliveries / took.as_secs_f64(),
                used.as_secs_f64() * 1e6 / deliveries,
            ]
        })
        .await;

    let of = |place: usize, which: usize| -> Vec<f64> {
        results[place].iter().map(|result| result[which]).collect()
    };
    let kind = format!(
        "{}, {} under way",
        counted(subscribers as u64, "subscriber"),
        counted(window, "event")
    );
    let mut figures = [
        ("deliveries", "1/s"),
        ("processor's time by delivery", "µs"),
    ]
    .map(|(what, unit)| (format!("{kind}: {what}"), unit))
    .map(|(what, unit)| {
        let which = usize::from(unit == "µs");
        let figure = Figure::new(what, unit, &of(0, which));
        let figure = figure.beside(Whom::Bare, &of(0, which), &of(1, which));
        if results.len() > 2 {
            figure.beside(Whom::Peer, &of(0, which), &of(2, which))
        } else {
            figure
        }
    });
    if subscribers == 100 {
        let [rate, cost] = &mut figures;
        rate.targets = vec![
            Target::RatioAtLeast(Whom::Bare, 0.4),
            Target::RatioAtLeast(Whom::Peer, 2.0),
        ];
        cost.targets = vec![Target::AtMost(CPU)];
    }
    figures
}
