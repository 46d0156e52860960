//! What a dead subscriber and a hanging one do to all others.

use crate::load::contestant::Contestant;
use crate::load::receivers::{Manner, Receivers};
use crate::load::report::{Figure, Section, Target, Whom};
use crate::load::stage::Stage;
use crate::wire::Port;

use super::answering;
use super::burst::{EVENTS, SLOW, percentiles};

/// How much longer the slowest hundredth may take beside them.
const MOST: f64 = 1.2;
/// Bursts a round: one round of each kind is within the ten seconds in which the driver does not yet know
/// that one hangs.
const BURSTS: usize = 3;

pub(in crate::load) async fn neighbours(stage: &Stage) -> Section {
    let mut figures = Vec::new();
    for manner in [Manner::AtOnce, Manner::After(SLOW)] {
        for subscribers in [10, 100] {
            let subscribers = stage.effort.of(subscribers);
            figures.push(of_one_kind(stage, manner, subscribers).await);
        }
    }
    Section {
        name: "neighbours",
        title: "The same beside a dead and a hanging subscriber",
        how: vec![
            "Two drivers get the same bursts in turn. One has two more subscribers, the first in its list: \
             nobody listens on the port of one, and the other takes connections and never answers.",
        ],
        figures,
        ..Section::default()
    }
}

async fn of_one_kind(stage: &Stage, manner: Manner, subscribers: usize) -> Figure {
    let dead = Port::new();
    let hanging = Receivers::start(Manner::Never);
    let mut others = hanging.urls(1);
    others.push(format!("http://{}/0", dead.address()));
    let mut contestants = [
        Contestant::driver(&stage.process(), manner, subscribers, &others).await,
        Contestant::driver(&stage.process(), manner, subscribers, &[]).await,
    ];
    let events = stage.effort.of(EVENTS);
    let rounds = 2 * stage.effort.rounds;
    let results = stage
        .in_turn(rounds, &mut contestants, async |contestant| {
            let [_, p99] = percentiles(stage, contestant, events, BURSTS).await;
            p99
        })
        .await;
    assert!(hanging.count() > 0, "the hanging subscriber got nothing");
    let what = format!("{}: p99", answering(subscribers, manner));
    Figure::new(what, "ms", &results[0])
        .beside(Whom::Alone, &results[0], &results[1])
        .target(Target::RatioAtMost(Whom::Alone, MOST))
}
