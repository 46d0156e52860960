//! A component that ends too soon, or not at all.

use std::time::Duration;

use crate::Behaviour;
use crate::site::Site;

pub(crate) fn behaviours() -> Vec<Behaviour> {
    vec![
        Behaviour::new("returns from run at once", |site| Box::pin(too_soon(site))),
        Behaviour::new("never returns from run", |site| {
            Box::pin(not_at_all(site, "run"))
        }),
        Behaviour::new("never returns from stop", |site| {
            Box::pin(not_at_all(site, "stop"))
        }),
    ]
}

async fn too_soon(site: Site) {
    let hostile = site.start("run", "return");
    hostile.is_loaded_again_after(1).await;
    hostile.is_reported("run has ended by itself").await;
    site.neighbour.works().await;
    hostile.is_loaded_again_after(2).await;
}

async fn not_at_all(site: Site, export: &str) {
    let hostile = site.start(export, "hang");
    hostile.module.ready().await.unwrap();
    assert_eq!(hostile.ask("GET").await.status, 200);
    let stopping = hostile.module.stop();
    let ending = async {
        site.neighbour.works().await;
        site.clock.pass(Duration::from_secs(15)).await;
    };
    let ((), ()) = tokio::join!(stopping, ending);
    hostile.is_reported("did not end within 15s").await;
    assert_eq!(hostile.ask("GET").await.status, 503);
}
