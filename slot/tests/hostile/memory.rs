//! A component that wants ever more memory.

use crate::Behaviour;
use crate::site::Site;

pub(crate) fn behaviours() -> Vec<Behaviour> {
    vec![Behaviour::new("eats memory", |site| {
        Box::pin(eats_memory(site))
    })]
}

async fn eats_memory(site: Site) {
    let hostile = site.start("get", "eat memory");
    hostile.module.ready().await.unwrap();
    assert_eq!(hostile.ask("GET").await.status, 500);
    hostile.is_reported("growing memory").await;
    site.neighbour.works().await;
    hostile.restarts_after(1).await;
    assert_eq!(hostile.ask("GET").await.status, 500);
    hostile.restarts_after(2).await;
    hostile.module.stop().await;
}
