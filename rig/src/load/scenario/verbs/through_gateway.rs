//! The same through the gateway, which lets only so many through.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Connection;
use crate::load::report::Figure;
use crate::load::stage::Stage;
use crate::load::stats::percentile_ms;
use crate::program::{Place, Running};

use super::Verb;

/// Requests in a round, but for PUT.
const REQUESTS: usize = 500;
/// Between two requests: half of what the gateway lets through.
const PACE: Duration = Duration::from_millis(2);

/// Each verb in turn: what was subscribed is unsubscribed, and an unlock is no longer shared when the door's
/// turn comes again.
const VERBS: [Verb; 5] = [
    Verb::Unknown,
    Verb::Get,
    Verb::Post,
    Verb::Delete,
    Verb::Put,
];

pub(super) async fn figures(stage: &Stage) -> Vec<Figure> {
    let place = Place::new(&stage.slot);
    let mut command = place.serve(&["--demo", "--swipe-every=0", "--allow=127.0.0.1"]);
    command.env("PLACEOS_SLOT_LOG", "error");
    let gateway = place.start_by(command).await;
    let [_, hook] = gateway.access.hooks();
    let doors = doors(&gateway).await;
    let mut connection = Connection::open(gateway.address()).await.unwrap();
    let requests = stage.effort.of(REQUESTS) as u64;

    let mut p50 = [const { Vec::new() }; VERBS.len()];
    let mut p99 = p50.clone();
    for round in 0..=stage.effort.rounds {
        for (place, verb) in VERBS.into_iter().enumerate() {
            let bodies: Vec<_> = match verb {
                Verb::Put => doors.iter().map(|id| json!({ "door_id": id })).collect(),
                _ => (0..requests).map(|number| verb.body(number)).collect(),
            };
            let mut took = Vec::with_capacity(bodies.len());
            let mut ticks = tokio::time::interval(PACE);
            for body in bodies {
                ticks.tick().await;
                let asked = Instant::now();
                let sent = connection.send(verb.method(), &hook, &[], body.to_string());
                let reply = sent.await.unwrap();
                took.push(asked.elapsed());
                let text = String::from_utf8_lossy(&reply.body);
                let status = reply.status.into();
                assert!(verb.may_answer(status), "{verb:?}: {status} {text}");
            }
            if round > 0 {
                p50[place].push(percentile_ms(&mut took, 0.5));
                p99[place].push(percentile_ms(&mut took, 0.99));
            }
        }
        tokio::time::sleep(super::UNSHARED).await;
    }
    let of_verb = |(place, verb): (usize, Verb)| {
        let what = format!("{}, through the gateway", verb.name());
        [
            Figure::new(format!("{what}: p50"), "ms", &p50[place]),
            Figure::new(format!("{what}: p99"), "ms", &p99[place]),
        ]
    };
    VERBS.into_iter().enumerate().flat_map(of_verb).collect()
}

/// The doors of the demo building that can be opened: one refuses, and one is not for that.
async fn doors(gateway: &Running) -> Vec<Value> {
    let listed = gateway.hook("GET", Value::Null).await.json();
    let mut doors = Vec::new();
    for door in listed.as_array().unwrap() {
        let id = &door["door_id"];
        let reply = gateway.hook("PUT", json!({ "door_id": id })).await;
        if reply.status == 200 {
            doors.push(id.clone());
        }
    }
    assert!(!doors.is_empty(), "no door opens: {listed}");
    tokio::time::sleep(super::UNSHARED).await;
    doors
}
