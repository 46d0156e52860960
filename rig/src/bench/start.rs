//! How soon a driver's process can be used, and in what memory it waits.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Verdict, ms, percentile};
use crate::placeos::{Core, MODULE, Redis};

const STARTS: usize = 100;
/// From spawning it to the byte that says that it is ready, in milliseconds; half of the starts.
const READY: f64 = 2.0;
/// From spawning it to the acknowledgement of a module's start.
const ACKNOWLEDGED: f64 = 5.0;
/// All of its memory, with a module that waits, in megabytes.
const MEMORY: f64 = 12.0;
/// The program itself, in megabytes.
const SIZE: f64 = 12.0;

/// Starts the program at `program` as core does, with one module, again and again.
pub async fn start(program: &Path) -> Verdict {
    let mut verdict = Verdict::new();
    let redis = Redis::start().await;
    let url = redis.url();
    let environment = [("REDIS_URL", url.as_str()), ("PLACEOS_SLOT_LOG", "error")];
    let mut ready = Vec::new();
    let mut acknowledged = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let core = Core::start(program, &environment).await;
        ready.push(begun.elapsed());
        core.load(MODULE, json!({})).await;
        acknowledged.push(begun.elapsed());
        assert!(core.terminate().await.success());
    }
    for (what, mut times, most) in [
        ("spawn to the ready byte", ready, READY),
        (
            "spawn to the acknowledged start",
            acknowledged,
            ACKNOWLEDGED,
        ),
    ] {
        times.sort();
        verdict.say(format!("{what}: p90 {:.2} ms", ms(percentile(&times, 0.9))));
        let middle = ms(percentile(&times, 0.5));
        verdict.promise(&format!("{what}, p50 in ms"), rounded(middle), most);
    }

    let core = Core::start(program, &environment).await;
    core.load(MODULE, json!({})).await;
    redis.status(MODULE, "pending").await;
    // What it did for its start is over.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let status =
        fs::read_to_string(format!("/proc/{}/status", core.pid().as_raw_nonzero())).unwrap();
    let own = megabytes(&status, "RssAnon");
    verdict.say(format!("memory of its own, idle: {own:.1} MB"));
    let all = megabytes(&status, "VmRSS");
    verdict.promise("all memory, idle, in MB", rounded(all), MEMORY);
    let size = fs::metadata(program).unwrap().len();
    verdict.promise("the program, in MB", rounded(size as f64 / 1e6), SIZE);
    verdict
}

fn megabytes(status: &str, name: &str) -> f64 {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<f64>().unwrap() * 1024.0 / 1e6
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
