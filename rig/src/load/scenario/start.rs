//! From spawning it to its first delivery; in what memory it lives; how large it is.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder};
use redis::cmd;
use serde_json::json;

use crate::load::contestant::{Contestant, DOORS};
use crate::load::events::event;
use crate::load::receivers::{Manner, Receivers};
use crate::load::report::{Figure, Section, Target, Whom};
use crate::load::site::{Process, Site, Subject, memory};
use crate::load::stage::Stage;
use crate::placeos::{CHANNEL, Core, MODULE, Redis};

/// Starts in a round.
const STARTS: usize = 20;
/// Events that have come and gone when memory is looked at.
const EVENTS: usize = 10_000;
/// Events under way while they come.
const WINDOW: u64 = 64;
/// Subscribers that do not answer, and events that each of them is to get: so many deliveries are pending.
const HANGING: usize = 10;
const PENDING_EVENTS: usize = 10_000;
/// Events that are accepted at a time.
const AT_A_TIME: usize = 64;
/// What the process may take in memory, idle and after those events, in MB.
const MEMORY: [f64; 2] = [12.0, 25.0];
/// What a browser may have to fetch, in kB.
const FETCHED: f64 = 64.0;
/// How long a process is left alone before its memory is looked at: what it did for its start is over.
const SETTLE: Duration = Duration::from_secs(2);

pub(in crate::load) async fn start(stage: &Stage) -> Section {
    let mut subjects = vec![stage.process()];
    subjects.extend(stage.peer());
    let mut figures = starts(stage, &subjects).await;
    figures.extend(memories(stage, &subjects).await);
    for (what, file) in &stage.sizes {
        let size = fs::metadata(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
            .len();
        figures.push(Figure::new(what, "kB", &[size as f64 / 1000.0]));
    }
    if !stage.fetched.is_empty() {
        let sizes = stage.fetched.iter().map(|file| gzipped(file));
        let figure = Figure::new(
            "what a browser fetches of it, gzipped",
            "kB",
            &[sizes.sum()],
        );
        figures.push(figure.target(Target::AtMost(FETCHED)));
    }
    Section {
        name: "start",
        title: "Start, memory and size",
        how: vec![
            "Core's process is spawned; it says that it is ready by a byte on core's socket; core starts a module \
             with one subscriber, and it acknowledges; from then on events are published until the first comes \
             to the subscriber. Memory is what of the process is in it, files mapped included.",
        ],
        figures,
        ..Section::default()
    }
}

async fn starts(stage: &Stage, subjects: &[Subject]) -> Vec<Figure> {
    let redis = Redis::start().await;
    let receivers = Receivers::start(Manner::AtOnce);
    // By subject: each start's three times.
    let mut starts = vec![Vec::new(); subjects.len()];
    for _ in 0..stage.effort.of(STARTS) * stage.effort.rounds {
        for (subject, times) in subjects.iter().zip(&mut starts) {
            times.push(one_start(stage, subject, &redis, &receivers).await);
        }
    }
    let steps = [
        ("spawn to the ready byte", Some(2.0)),
        ("spawn to the acknowledged start", Some(5.0)),
        ("spawn to the first delivery", None),
    ];
    let figure = |(step, (what, most)): (usize, (&str, Option<f64>))| {
        let of = |times: &Vec<[f64; 3]>| times.iter().map(|times| times[step]).collect();
        let values: Vec<Vec<f64>> = starts.iter().map(of).collect();
        let mut figure = Figure::new(what, "ms", &values[0]);
        figure.targets.extend(most.map(Target::AtMost));
        match values.get(1) {
            Some(peer) => figure.beside(Whom::Peer, &values[0], peer),
            None => figure,
        }
    };
    steps.into_iter().enumerate().map(figure).collect()
}

/// The three times since the spawn, in milliseconds.
async fn one_start(
    stage: &Stage,
    subject: &Subject,
    redis: &Redis,
    receivers: &Receivers,
) -> [f64; 3] {
    let mut publisher = redis.connect().await;
    let url = redis.url();
    let environment = [("REDIS_URL", url.as_str()), ("PLACEOS_SLOT_LOG", "error")];
    let [receiver] = receivers.urls(1).try_into().unwrap();
    let subscriptions = json!({ "subscriptions": [{ "webhook": receiver }] });

    let begun = Instant::now();
    let core = Core::start(&subject.program, &environment).await;
    let ready = begun.elapsed();
    core.load(MODULE, subscriptions).await;
    let acknowledged = begun.elapsed();
    let number = stage.numbers(1).start;
    let mut publish = cmd("PUBLISH");
    publish.arg(CHANNEL).arg(event(number, DOORS));
    let listens = async {
        while publish.query_async::<u64>(&mut publisher).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    };
    listens.await;
    receivers.wait_for(1).await;
    let [first] = receivers.take().try_into().unwrap();
    core.kill().await;
    // What the next one finds is a new building.
    let _: String = redis.query(&cmd("FLUSHALL")).await;
    [ready, acknowledged, first.at - begun].map(|time| time.as_secs_f64() * 1000.0)
}

async fn memories(stage: &Stage, subjects: &[Subject]) -> Vec<Figure> {
    let mut idle = Vec::new();
    let mut after = Vec::new();
    for subject in subjects {
        let mut contestant = Contestant::driver(subject, Manner::AtOnce, 1, &[]).await;
        tokio::time::sleep(SETTLE).await;
        idle.push(memory(contestant.site().pid()));
        let events = stage.effort.of(EVENTS);
        contestant.stream(stage.numbers(events), WINDOW).await;
        tokio::time::sleep(SETTLE).await;
        after.push(memory(contestant.site().pid()));
    }
    let beside = |what: String, values: &[f64], most: f64| {
        let (ours, peer) = (&values[..1], &values[1..]);
        let figure = Figure::new(what, "MB", ours).target(Target::AtMost(most));
        if peer.is_empty() {
            figure
        } else {
            figure.beside(Whom::Peer, ours, peer)
        }
    };
    let events = stage.effort.of(EVENTS);
    let pending = stage.effort.of(PENDING_EVENTS);
    vec![
        beside("memory, idle".to_owned(), &idle, MEMORY[0]),
        beside(format!("memory after {events} events"), &after, MEMORY[1]),
        Figure::new(
            format!("memory with {} deliveries pending", pending * HANGING),
            "MB",
            &[with_pending(stage, pending).await],
        ),
    ]
}

/// The memory with so many events pending for each that hangs.
async fn with_pending(stage: &Stage, events: usize) -> f64 {
    let hanging = Receivers::start(Manner::Never);
    let urls = hanging.urls(HANGING);
    let process = Process::start(&stage.process(), Redis::start().await, &urls, 0).await;
    process
        .accept(stage.numbers(events), DOORS, AT_A_TIME)
        .await;
    tokio::time::sleep(SETTLE).await;
    memory(Site::Process(process).pid())
}

/// How many kB a file has as it travels.
fn gzipped(file: &Path) -> f64 {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes).unwrap();
    encoder.finish().unwrap().len() as f64 / 1000.0
}
