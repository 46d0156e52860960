//! Webhook requests of each verb.

mod through_gateway;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::load::building::door;
use crate::load::report::{Figure, Section, Target, Whom};
use crate::load::site::{Process, Subject};
use crate::load::stage::Stage;
use crate::load::stats::percentile_ms;
use crate::placeos::{Core, MODULE, Redis, triple};

/// Requests under way at a time, beside one.
const MANY: usize = 64;
/// Doors of the list that GET answers.
const DOORS: usize = 30;
/// Doors to unlock. An unlock is shared for two seconds after it, so that each must be another door's.
const TO_UNLOCK: usize = 1_000;
/// Longer than that.
const UNSHARED: Duration = Duration::from_millis(2_100);
/// Unlocks on behalf of one trigger, of which it may have a thousand at once.
const BY_ONE: u64 = 500;

/// A request that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Unknown,
    Post,
    Delete,
    Get,
    Put,
}

pub(in crate::load) async fn verbs(stage: &Stage) -> Section {
    let mut figures = Vec::new();
    for verb in [
        Verb::Unknown,
        Verb::Post,
        Verb::Delete,
        Verb::Get,
        Verb::Put,
    ] {
        figures.extend(of_one_verb(stage, verb).await);
    }
    figures.extend(through_gateway::figures(stage).await);
    Section {
        name: "verbs",
        title: "Webhook requests",
        how: vec![
            "Through core's process, as rest-api hands them over: one at a time, and 64. A GET lists the 30 doors \
             of one security system; each PUT unlocks another door of one that has a thousand; POST and DELETE \
             are of new URLs, and answered when they are saved.",
            "Through the gateway only latencies are measured, of requests in a row on one connection: it lets no \
             more than 1,000 webhook requests a second through.",
        ],
        figures,
        ..Section::default()
    }
}

async fn of_one_verb(stage: &Stage, verb: Verb) -> Vec<Figure> {
    let mut subjects = vec![stage.process()];
    subjects.extend(stage.peer());
    let mut processes = Vec::new();
    for subject in &subjects {
        processes.push(start(subject, verb).await);
    }
    let requests = stage.effort.of(match verb {
        Verb::Post | Verb::Delete => 100,
        Verb::Put => TO_UNLOCK,
        _ => 2_000,
    });

    let mut figures = Vec::new();
    for under_way in [1, MANY] {
        // By subject: what each round came to.
        let mut rounds = vec![Vec::new(); subjects.len()];
        for round in 0..=stage.effort.rounds {
            for (process, results) in processes.iter().zip(&mut rounds) {
                let result = measure(&process.core, verb, stage.numbers(requests), under_way).await;
                if round > 0 {
                    results.push(result);
                }
            }
            if verb == Verb::Put {
                tokio::time::sleep(UNSHARED).await;
            }
        }
        let what = format!("{}, {under_way} under way", verb.name());
        let figure = |name: &str, unit, of: fn(&Measured) -> f64| {
            let values: Vec<Vec<f64>> = rounds
                .iter()
                .map(|results| results.iter().map(of).collect())
                .collect();
            let figure = Figure::new(format!("{what}: {name}"), unit, &values[0]);
            match values.get(1) {
                Some(peer) => figure.beside(Whom::Peer, &values[0], peer),
                None => figure,
            }
        };
        let mut rate = figure("requests", "1/s", |measured| measured.rate);
        rate.targets.extend(match verb {
            Verb::Get => Some(Target::RatioAtLeast(Whom::Peer, 5.0)),
            Verb::Put => Some(Target::RatioAtLeast(Whom::Peer, 1.5)),
            _ => None,
        });
        figures.push(rate);
        if under_way == 1 {
            figures.push(figure("p50", "ms", |measured| measured.p50));
            figures.push(figure("p99", "ms", |measured| measured.p99));
        }
    }
    figures
}

async fn start(subject: &Subject, verb: Verb) -> Process {
    let doors = if verb == Verb::Put { TO_UNLOCK } else { DOORS };
    Process::start(subject, Redis::start().await, &[], doors).await
}

/// What a round came to.
#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Requests a second.
    rate: f64,
    /// In milliseconds.
    p50: f64,
    p99: f64,
}

/// Makes requests of these numbers, so many of them at a time.
async fn measure(core: &Core, verb: Verb, numbers: Range<u64>, under_way: usize) -> Measured {
    if verb == Verb::Delete {
        let subscribe = async |number| request(core, Verb::Post, number).await;
        for number in numbers.clone() {
            subscribe(number).await;
        }
    }
    let next = AtomicU64::new(numbers.start);
    let begun = Instant::now();
    let client = async |_| {
        let mut took = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return took;
            }
            let asked = Instant::now();
            request(core, verb, number).await;
            took.push(asked.elapsed());
        }
    };
    let took = join_all((0..under_way).map(client)).await;
    let rate = (numbers.end - numbers.start) as f64 / begun.elapsed().as_secs_f64();
    let mut took: Vec<_> = took.into_iter().flatten().collect();
    if verb == Verb::Post {
        for number in numbers {
            request(core, Verb::Delete, number).await;
        }
    }
    Measured {
        rate,
        p50: percentile_ms(&mut took, 0.5),
        p99: percentile_ms(&mut took, 0.99),
    }
}

async fn request(core: &Core, verb: Verb, number: u64) {
    let headers = json!({
        "Host": ["placeos.example"],
        "Content-Type": ["application/json"],
        "pos-query-params": ["secret=hidden&exec=true&mod=Rhombus&method=request"],
    });
    let arguments = json!([verb.method(), headers, verb.body(number).to_string()]);
    let answer = core.ask(json!({
        "id": MODULE,
        "cmd": "exec",
        "user_id": format!("webhook.trig-{}", number / BY_ONE),
        "payload": json!({ "__exec__": "request", "request": arguments }).to_string(),
    }));
    let (status, body) = triple(&answer.await.unwrap());
    assert!(verb.may_answer(status), "{verb:?}: {status} {body}");
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "an unknown verb",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Put => "PUT",
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Unknown => "PATCH",
            other => other.name(),
        }
    }

    fn body(self, number: u64) -> Value {
        match self {
            Self::Unknown | Self::Get => json!({}),
            // Nothing is ever sent there.
            Self::Post | Self::Delete => {
                json!({ "webhook": format!("http://127.0.0.1:9/{number}"), "secret": "123456" })
            }
            Self::Put => json!({ "door_id": door(number as usize % TO_UNLOCK) }),
        }
    }

    /// Whether it may be answered so: today's driver knows no 405.
    fn may_answer(self, status: u64) -> bool {
        match self {
            Self::Unknown => status >= 400,
            Self::Post => status == 201,
            Self::Delete => status == 202,
            Self::Get | Self::Put => status == 200,
        }
    }
}
