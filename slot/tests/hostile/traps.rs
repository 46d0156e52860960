//! A component that traps, in each export.

use placeos_slot::module::{Acceptance, CallError, EventError};

use crate::Behaviour;
use crate::site::Site;

const REPORT: &str = "unreachable";

pub(crate) fn behaviours() -> Vec<Behaviour> {
    vec![
        Behaviour::new("traps in load", |site| Box::pin(in_load(site))),
        Behaviour::new("traps in update", |site| Box::pin(in_update(site))),
        Behaviour::new("traps in request", |site| {
            Box::pin(in_a_request(site, "request", "PATCH", 500))
        }),
        Behaviour::new("traps in post", |site| {
            Box::pin(in_a_request(site, "post", "POST", 500))
        }),
        Behaviour::new("traps in delete", |site| {
            Box::pin(in_a_request(site, "delete", "DELETE", 500))
        }),
        Behaviour::new("traps in get", |site| {
            Box::pin(in_a_request(site, "get", "GET", 500))
        }),
        Behaviour::new("traps in put", |site| {
            Box::pin(in_a_request(site, "put", "PUT", 403))
        }),
        Behaviour::new("traps in on-door-event", |site| Box::pin(in_an_event(site))),
        Behaviour::new("traps in set-aside too", |site| {
            Box::pin(in_set_aside(site))
        }),
        Behaviour::new("traps in call", |site| Box::pin(in_a_call(site))),
        Behaviour::new("traps in run", |site| Box::pin(in_run(site))),
        Behaviour::new("traps in stop", |site| Box::pin(in_stop(site))),
    ]
}

async fn in_load(site: Site) {
    let hostile = site.start("load", "trap");
    assert!(hostile.module.ready().await.unwrap_err().contains(REPORT));
    hostile.is_reported(REPORT).await;
    site.neighbour.works().await;
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        hostile.is_loaded_again_after(seconds).await;
    }
}

async fn in_update(site: Site) {
    let hostile = site.start("update", "trap");
    hostile.module.ready().await.unwrap();
    hostile.module.update("{}".to_owned()).await;
    hostile.is_reported(REPORT).await;
    site.neighbour.works().await;
    hostile.restarts_after(1).await;
    // It was loaded with the settings that it would not take.
    hostile.module.update("{}".to_owned()).await;
    assert_eq!(hostile.ask("GET").await.status, 200);
}

async fn in_a_request(site: Site, export: &str, method: &str, status: u16) {
    let hostile = site.start(export, "trap");
    hostile.module.ready().await.unwrap();
    for seconds in [1, 2] {
        assert_eq!(hostile.ask(method).await.status, status);
        hostile.is_reported(REPORT).await;
        site.neighbour.works().await;
        hostile.restarts_after(seconds).await;
    }
    hostile.module.stop().await;
}

/// The event is offered to a second instance alone, and set aside by the third.
async fn in_an_event(site: Site) {
    let hostile = site.start("on-door-event", "trap");
    hostile.module.ready().await.unwrap();
    let restarting = async {
        hostile.is_loaded_again_after(1).await;
        site.neighbour.works().await;
        hostile.restarts_after(2).await;
    };
    let event = hostile.module.door_event("{}".to_owned(), None);
    let (accepted, ()) = tokio::join!(event, restarting);
    assert_eq!(accepted, Ok(Acceptance::Accepted));
    hostile.is_reported(REPORT).await;
}

async fn in_set_aside(site: Site) {
    let hostile = site.start("on-door-event set-aside", "trap");
    hostile.module.ready().await.unwrap();
    let restarting = async {
        hostile.is_loaded_again_after(1).await;
        hostile.is_loaded_again_after(2).await;
        site.neighbour.works().await;
        hostile.restarts_after(4).await;
    };
    let event = hostile.module.door_event("{}".to_owned(), None);
    let (accepted, ()) = tokio::join!(event, restarting);
    assert!(matches!(accepted, Err(EventError::Unsaved(_))));
    hostile.is_reported("an event cannot be kept").await;
}

async fn in_a_call(site: Site) {
    let hostile = site.start("call", "trap");
    hostile.module.ready().await.unwrap();
    let called = hostile.module.call("f".to_owned(), "{}".to_owned()).await;
    assert!(matches!(called, Err(CallError::Failed(_))));
    hostile.is_reported(REPORT).await;
    site.neighbour.works().await;
    hostile.restarts_after(1).await;
}

async fn in_run(site: Site) {
    let hostile = site.start("run", "trap");
    hostile.is_loaded_again_after(1).await;
    hostile.is_reported(REPORT).await;
    site.neighbour.works().await;
    hostile.is_loaded_again_after(2).await;
}

async fn in_stop(site: Site) {
    let hostile = site.start("stop", "trap");
    hostile.module.ready().await.unwrap();
    hostile.module.stop().await;
    hostile.is_reported(REPORT).await;
    assert_eq!(hostile.ask("GET").await.status, 503);
}
