//! A component that computes and computes.

use std::time::Duration;

use futures_util::future::{Either, select, select_all};

use crate::Behaviour;
use crate::site::Site;

const REPORT: &str = "computed for longer than 5s";

pub(crate) fn behaviours() -> Vec<Behaviour> {
    vec![
        Behaviour::new("loops for ever in a request", |site| {
            Box::pin(in_a_request(site, "loop"))
        }),
        Behaviour::new("draws random bytes for ever in a request", |site| {
            Box::pin(in_a_request(site, "draw for ever"))
        }),
        Behaviour::new("loops for ever in load", |site| Box::pin(in_load(site))),
        Behaviour::new("loops for ever in run", |site| Box::pin(in_run(site))),
        Behaviour::new("four loop for ever on the neighbour's one thread", |site| {
            Box::pin(four_at_once(site))
        })
        .on_one_thread(),
        Behaviour::new("yields for ever on the neighbour's one thread", |site| {
            Box::pin(yields(site))
        })
        .on_one_thread(),
    ]
}

async fn in_a_request(site: Site, deed: &str) {
    let hostile = site.start("get", deed);
    hostile.module.ready().await.unwrap();
    let (response, ()) = tokio::join!(hostile.ask("GET"), site.neighbour.works());
    assert_eq!(response.status, 500);
    hostile.is_reported(REPORT).await;
    assert_eq!(hostile.ask("POST").await.status, 503);
    hostile.restarts_after(1).await;
    assert_eq!(hostile.ask("POST").await.status, 200);
    hostile.module.stop().await;
}

async fn in_load(site: Site) {
    let hostile = site.start("load", "loop");
    let (ready, ()) = tokio::join!(hostile.module.ready(), site.neighbour.works());
    assert!(ready.unwrap_err().contains(REPORT));
    hostile.is_reported(REPORT).await;
    hostile.is_loaded_again_after(1).await;
}

async fn in_run(site: Site) {
    let hostile = site.start("run", "loop");
    let (response, ()) = tokio::join!(hostile.ask("PUT"), site.neighbour.works());
    assert_eq!(response.status, 403);
    hostile.is_reported(REPORT).await;
    hostile.is_loaded_again_after(1).await;
}

/// All that the neighbour does it does before the first of them has run out of its time.
async fn four_at_once(site: Site) {
    let all = [(); 4].map(|()| site.start("load", "loop"));
    let ended = select_all(all.iter().map(|one| Box::pin(one.module.ready())));
    match select(Box::pin(site.neighbour.works()), ended).await {
        Either::Left(((), ended)) => {
            let (ready, ..) = ended.await;
            assert!(ready.unwrap_err().contains(REPORT));
        }
        Either::Right(_) => panic!("the neighbour had to wait"),
    }
}

/// It is not stopped, for it might wait for something; it shares what there is.
async fn yields(site: Site) {
    let hostile = site.start("run", "yield");
    hostile.module.ready().await.unwrap();
    site.neighbour.works().await;
    assert_eq!(hostile.ask("GET").await.status, 200);
    let stopping = hostile.module.stop();
    let ((), ()) = tokio::join!(stopping, site.clock.pass(Duration::from_secs(15)));
    hostile.is_reported("did not end within 15s").await;
}
