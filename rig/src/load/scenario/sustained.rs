//! Events without end.

use crate::load::contestant::Contestant;
use crate::load::receivers::Manner;
use crate::load::report::{Figure, Section, Target, Whom};
use crate::load::stage::Stage;

use super::counted;

/// Subscribers, events under way at a time, and events in a round.
const KINDS: [(usize, u64, usize); 4] = [
    (1, 1, 2_000),
    (1, 128, 20_000),
    (10, 64, 8_000),
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
             is published when there are fewer under way than said. Core's process has every event in Redis, which \
             syncs its file before it acknowledges, before it sends it, and the gateway in redb. The bare client \
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
) -> Vec<Figure> {
    let subscribers = stage.effort.of(subscribers);
    let events = stage.effort.of(events);
    let manner = Manner::AtOnce;
    let mut ours = Contestant::driver(&stage.process(), manner, subscribers, &[]).await;
    ours.burst(stage.numbers(1)).await;
    let in_flight = if window == 1 { 1 } else { IN_FLIGHT };
    let bare = Contestant::bare(&stage.bare, &ours, manner, in_flight);
    let gateway = Contestant::driver(&stage.gateway(), manner, subscribers, &[]).await;
    let mut contestants = vec![ours, bare, gateway];
    if let Some(peer) = stage.peer() {
        contestants.push(Contestant::driver(&peer, manner, subscribers, &[]).await);
    }
    let deliveries = (events * subscribers) as f64;
    let results = stage
        .in_turn(
            stage.effort.rounds_of_rates,
            &mut contestants,
            async |contestant| {
                let before = contestant.cpu().await;
                let took = contestant.stream(stage.numbers(events), window).await;
                let used = contestant.cpu().await - before;
                [
                    deliveries / took.as_secs_f64(),
                    used.as_secs_f64() * 1e6 / deliveries,
                ]
            },
        )
        .await;

    let kind = format!(
        "{}, {} under way",
        counted(subscribers as u64, "subscriber"),
        counted(window, "event")
    );
    let mut figures = Vec::new();
    for (which, what, unit) in [
        (0, "deliveries", "1/s"),
        (1, "processor's time by delivery", "µs"),
    ] {
        // The system counts in hundredths of a second, and in a trickle there are too few of them.
        if which == 1 && window == 1 {
            continue;
        }
        let of = |place: usize| -> Vec<f64> {
            results[place].iter().map(|result| result[which]).collect()
        };
        let what = format!("{kind}: {what}");
        let mut figure = Figure::new(&what, unit, &of(0)).beside(Whom::Bare, &of(0), &of(1));
        if results.len() > 3 {
            figure = figure.beside(Whom::Peer, &of(0), &of(3));
        }
        if subscribers == 100 {
            figure.targets = match which {
                0 => vec![
                    Target::RatioAtLeast(Whom::Bare, 0.4),
                    Target::RatioAtLeast(Whom::Peer, 2.0),
                ],
                _ => vec![Target::AtMost(CPU)],
            };
        }
        figures.push(figure);
        let through = format!("{what}, through the gateway");
        figures.push(Figure::new(through, unit, &of(2)).beside(Whom::Bare, &of(2), &of(1)));
    }
    figures
}
