//! A component that floods the log, the status, the store, the network, the doors, and whatever else there
//! is: it gets what is within bounds.

use std::time::Duration;

use crate::Behaviour;
use crate::site::{Hostile, Site};

pub(crate) fn behaviours() -> Vec<Behaviour> {
    vec![
        Behaviour::new("floods the log", |site| Box::pin(the_log(site))),
        Behaviour::new("writes a line of seventeen megabytes", |site| {
            Box::pin(a_long_line(site))
        }),
        Behaviour::new("floods the status", |site| {
            Box::pin(traps(site, "flood the status", "sets its status too often"))
        }),
        Behaviour::new("makes a million status keys", |site| {
            Box::pin(traps(
                site,
                "make many status keys",
                "more than 64 status keys",
            ))
        }),
        Behaviour::new("makes 20,000 commits at once", |site| {
            Box::pin(at_once(site, "commit at once", 20_000, 8192))
        }),
        Behaviour::new("lets go of 20,000 commits", |site| {
            Box::pin(forsaken_commits(site))
        }),
        Behaviour::new("stores values of five megabytes", |site| {
            Box::pin(refused(site, "store huge values", 10))
        }),
        Behaviour::new("makes a commit of eighty megabytes", |site| {
            Box::pin(traps(site, "store a huge commit", "too much data"))
        }),
        Behaviour::new("reads the store for ever", |site| Box::pin(scans(site))),
        Behaviour::new("sends 10,000 POSTs at once", |site| {
            Box::pin(at_once(site, "post at once", 10_000, 4096))
        }),
        Behaviour::new("sends bodies of eight megabytes", |site| {
            Box::pin(huge_bodies(site))
        }),
        Behaviour::new("unlocks 10,000 doors at once", |site| {
            Box::pin(at_once(site, "unlock at once", 10_000, 4096))
        }),
        Behaviour::new(
            "saves settings that are not its own, and a huge one",
            |site| Box::pin(refused(site, "save settings", 3)),
        ),
        Behaviour::new("sleeps 100,000 times at once", |site| {
            Box::pin(traps(site, "sleep at once", "handle"))
        }),
        Behaviour::new("draws a megabyte of random bytes", |site| {
            Box::pin(traps(site, "draw a megabyte", "random bytes at once"))
        }),
    ]
}

async fn the_log(site: Site) {
    let hostile = ready(&site, "get", "flood the log").await;
    let flooded = [(); 2].map(|()| hostile.ask("GET"));
    for flood in flooded {
        assert_eq!(flood.await.status, 200);
    }
    site.neighbour.works().await;
    let lines = site.host.lines();
    let written: usize = lines.iter().map(|(message, _)| message.len()).sum();
    assert!(!lines.is_empty() && written <= 4 << 20, "{written} bytes");

    let dropped = 200_000 - lines.len();
    site.clock.go_on(Duration::from_secs(7));
    assert_eq!(hostile.ask("GET").await.status, 200);
    let lines = site.host.lines();
    let said = format!("the module wrote too much: {dropped} lines before this were dropped");
    assert_eq!(lines[0].0, said);
    let written: usize = lines.iter().map(|(message, _)| message.len()).sum();
    assert!(written <= 7 * (32 << 10) + said.len(), "{written} bytes");
}

async fn a_long_line(site: Site) {
    let hostile = ready(&site, "get", "write a long line").await;
    assert_eq!(hostile.ask("GET").await.status, 200);
    let lines = site.host.lines();
    let [(message, fields)] = lines.as_slice() else {
        panic!("{} lines", lines.len());
    };
    assert_eq!(*message, format!("{}…", "m".repeat(4096)));
    assert_eq!(fields.len(), 16);
    let field = (
        format!("{}…", "n".repeat(64)),
        format!("{}…", "v".repeat(1024)),
    );
    assert!(fields.iter().all(|given| *given == field));
}

/// Of so many calls so many are taken; the others are refused.
async fn at_once(site: Site, deed: &str, calls: usize, taken: usize) {
    let hostile = ready(&site, "get", deed).await;
    site.host.hold();
    let asking = hostile.ask("GET");
    let watching = async {
        assert_eq!(site.host.begun().await, taken);
        site.neighbour.works().await;
        site.host.let_go();
    };
    let (response, ()) = tokio::join!(asking, watching);
    assert_eq!(response.body, (calls - taken).to_string());
    hostile.module.stop().await;
}

/// Nobody waits for them, but they are in the store's queue.
async fn forsaken_commits(site: Site) {
    let hostile = ready(&site, "get", "forsake commits").await;
    site.host.hold();
    assert_eq!(hostile.ask("GET").await.body, (20_000 - 8192).to_string());
    site.neighbour.works().await;
    site.host.let_go();
    hostile.module.stop().await;
}

async fn scans(site: Site) {
    let hostile = ready(&site, "run", "scan for ever").await;
    site.neighbour.works().await;
    assert_eq!(hostile.ask("GET").await.status, 200);
    let stopping = hostile.module.stop();
    let ((), ()) = tokio::join!(stopping, site.clock.pass(Duration::from_secs(15)));
    hostile.is_reported("did not end within 15s").await;
}

async fn huge_bodies(site: Site) {
    let hostile = ready(&site, "get", "post huge bodies").await;
    assert_eq!(hostile.ask("GET").await.body, "10");
    assert!(site.host.posts().is_empty());
    hostile.module.stop().await;
}

/// All of so many calls are refused.
async fn refused(site: Site, deed: &str, calls: usize) {
    let hostile = ready(&site, "get", deed).await;
    assert_eq!(hostile.ask("GET").await.body, calls.to_string());
    assert!(hostile.module.is_ready());
    hostile.module.stop().await;
}

/// Where the interface has no answer to say no, the component traps.
async fn traps(site: Site, deed: &str, report: &str) {
    let hostile = ready(&site, "get", deed).await;
    assert_eq!(hostile.ask("GET").await.status, 500);
    hostile.is_reported(report).await;
    site.neighbour.works().await;
    hostile.restarts_after(1).await;
    hostile.module.stop().await;
}

async fn ready(site: &Site, places: &str, deed: &str) -> Hostile {
    let hostile = site.start(places, deed);
    hostile.module.ready().await.unwrap();
    hostile
}
