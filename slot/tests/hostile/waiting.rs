//! A component that never answers.

use std::time::Duration;

use futures_util::future::join_all;
use placeos_slot::module::EventError;
use rig::program::until;

use crate::Behaviour;
use crate::site::{Site, request};

/// Calls that may be under way in a module.
const UNDER_WAY: usize = 4096;
/// Requests that are one too many.
const SURPLUS: usize = 100;

pub(crate) fn behaviours() -> Vec<Behaviour> {
    vec![
        Behaviour::new("never returns from load", |site| Box::pin(in_load(site))),
        Behaviour::new("never answers a request", |site| {
            Box::pin(in_requests(site))
        }),
        Behaviour::new("never answers an event", |site| Box::pin(in_an_event(site))),
    ]
}

async fn in_load(site: Site) {
    let hostile = site.start("load", "hang");
    site.neighbour.works().await;
    site.clock.pass(Duration::from_secs(60)).await;
    hostile.is_reported("did not load within 60s").await;
    hostile.is_loaded_again_after(1).await;
    site.clock.pass(Duration::from_secs(60)).await;
    hostile.is_loaded_again_after(2).await;
}

/// That alone is no fault. But there is an end to what may be under way.
async fn in_requests(site: Site) {
    let hostile = site.start("get", "hang");
    hostile.module.ready().await.unwrap();
    let asking = (0..UNDER_WAY + SURPLUS).map(|_| {
        let module = hostile.module.clone();
        tokio::spawn(async move { module.request(request("GET")).await })
    });
    let asking = asking.collect::<Vec<_>>();
    until("the surplus is refused", async || {
        let refused = asking.iter().filter(|asking| asking.is_finished());
        (refused.count() == SURPLUS).then_some(())
    })
    .await;
    assert_eq!(hostile.ask("POST").await.status, 503);
    assert_eq!(hostile.ask("PUT").await.status, 403);
    let event = hostile.module.door_event("{}".to_owned(), None).await;
    assert!(matches!(event, Err(EventError::Unsaved(_))));
    assert!(hostile.module.is_ready());
    site.neighbour.works().await;

    let stopping = hostile.module.stop();
    let ((), ()) = tokio::join!(stopping, site.clock.pass(Duration::from_secs(15)));
    hostile.is_reported("did not end within 15s").await;
    let answers = join_all(asking).await.into_iter().map(Result::unwrap);
    let (refused, ended): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.status == 503);
    assert_eq!((refused.len(), ended.len()), (SURPLUS, UNDER_WAY));
    assert!(ended.iter().all(|answer| answer.status == 500));
}

/// One that is offered again has a limit, for nothing else is done meanwhile.
async fn in_an_event(site: Site) {
    let hostile = site.start("on-door-event", "hang");
    hostile.module.ready().await.unwrap();
    let restarting = async {
        let trap = hostile.module.request_without_time(request("GET"));
        assert_eq!(trap.await.status, 500);
        hostile.is_loaded_again_after(1).await;
        site.neighbour.works().await;
        site.clock.pass(Duration::from_secs(60)).await;
        hostile.is_reported("did not answer an event").await;
        hostile.restarts_after(2).await;
    };
    let event = hostile.module.door_event("{}".to_owned(), None);
    let (offered, ()) = tokio::join!(event, restarting);
    assert!(matches!(offered, Err(EventError::Unsaved(_))));
    assert_eq!(hostile.ask("GET").await.status, 200);
}
