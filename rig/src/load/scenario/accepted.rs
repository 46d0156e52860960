//! Events that are saved before they are answered.

use std::time::Instant;

use crate::load::bare::Bare;
use crate::load::contestant::DOORS;
use crate::load::events;
use crate::load::receivers::{Manner, Receivers, Sample};
use crate::load::report::{Figure, Section, Whom};
use crate::load::site::{Process, Site};
use crate::load::stage::Stage;
use crate::placeos::Redis;

/// Events in a round.
const EVENTS: usize = 6_000;
/// Events that are on offer at a time: as many as there are connections to the gateway.
const IN_FLIGHT: usize = 32;

pub(in crate::load) async fn accepted(stage: &Stage) -> Section {
    let events = stage.effort.of(EVENTS);
    // What is accepted is then pending, and its delivery takes nothing from the next.
    let hanging = Receivers::start(Manner::Never);
    let urls = hanging.urls(1);
    let mut gateway = Site::start(&stage.gateway(), &urls).await;
    let redis = Redis::start().await;
    let process = Process::start(&stage.process(), redis, &urls, 0).await;
    let receivers = Receivers::start(Manner::AtOnce);
    let mut bare = Bare::start(&stage.bare, receivers.urls(1), signal(), IN_FLIGHT);

    let mut rates = [const { Vec::new() }; 3];
    for round in 0..=stage.effort.rounds_of_rates {
        for (place, rates) in rates.iter_mut().enumerate() {
            let numbers = stage.numbers(events);
            let begun = Instant::now();
            match place {
                0 => gateway.publish(numbers, DOORS).await,
                1 => process.accept(numbers, DOORS, IN_FLIGHT).await,
                _ => {
                    bare.post(numbers.start, events as u64);
                    receivers.wait_for(events).await;
                    receivers.take();
                }
            }
            // In the first one connections are opened.
            if round > 0 {
                rates.push(events as f64 / begun.elapsed().as_secs_f64());
            }
        }
    }
    let [redb, redis, bare] = rates;
    Section {
        name: "accepted",
        title: "Events accepted",
        how: vec![
            "Each is answered when it is saved, with one delivery that stays pending, and 32 are on offer at a \
             time: to the gateway by its signal route, where it is synced to the disk by redb; to core's process \
             by the function `door_event`, where Redis syncs it. The bare client posts the same events, 32 at a \
             time, to a receiver that saves nothing.",
        ],
        figures: vec![
            Figure::new("by the gateway, in redb", "1/s", &redb).beside(Whom::Bare, &redb, &bare),
            Figure::new("by core's process, in Redis", "1/s", &redis).beside(
                Whom::Bare,
                &redis,
                &bare,
            ),
        ],
        ..Section::default()
    }
}

/// A door event as the gateway gets it.
fn signal() -> Sample {
    Sample {
        headers: vec![("x-api-key".to_owned(), "0".repeat(43))],
        body: events::event(0, DOORS),
    }
}
