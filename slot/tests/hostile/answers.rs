//! A component that answers nonsense.

use crate::Behaviour;
use crate::site::Site;

pub(crate) fn behaviours() -> Vec<Behaviour> {
    vec![
        Behaviour::new("answers with a status of 99", |site| {
            Box::pin(nonsense(site, "answer status 99", "99 is no status"))
        }),
        Behaviour::new("answers with a header of two lines", |site| {
            Box::pin(nonsense(site, "answer two lines", "the header x-nonsense"))
        }),
        Behaviour::new("answers with a header whose name has a space", |site| {
            Box::pin(nonsense(site, "answer a name with a space", "header 1"))
        }),
        Behaviour::new("answers with the length of another body", |site| {
            Box::pin(nonsense(site, "answer with a length", "content-length"))
        }),
        Behaviour::new("answers sixteen megabytes", |site| {
            Box::pin(nonsense(site, "answer 16 MB", "its body has"))
        }),
        Behaviour::new("answers a hundred megabytes", |site| {
            Box::pin(traps(site, "answer 100 MB"))
        }),
    ]
}

/// Whoever asked gets an error, and the module goes on.
async fn nonsense(site: Site, deed: &str, report: &str) {
    let hostile = site.start("get put", deed);
    hostile.module.ready().await.unwrap();
    for (method, status) in [("GET", 500), ("PUT", 403)] {
        let response = hostile.ask(method).await;
        assert_eq!(response.status, status);
        assert_eq!(
            response.body,
            r#"{"error":"the module's answer is not usable"}"#
        );
    }
    hostile.is_reported(report).await;
    assert_eq!(hostile.ask("POST").await.status, 200);
    hostile.module.stop().await;
}

async fn traps(site: Site, deed: &str) {
    let hostile = site.start("get", deed);
    hostile.module.ready().await.unwrap();
    assert_eq!(hostile.ask("GET").await.status, 500);
    hostile.is_reported("too much data").await;
    hostile.restarts_after(1).await;
}
