//! The console's page: from the program, under a strict policy, and cached for what it is.

use rig::client::{Reply, send};
use serde_json::Value;

use crate::pretended::Served;

async fn get(served: &Served, path: &str, headers: &[(&str, &str)]) -> Reply {
    send(served.address, "GET", path, headers, "").await
}

/// What the page names in its folder of assets.
fn assets(page: &str) -> Vec<String> {
    let named = page.split('"').filter(|text| text.starts_with("assets/"));
    named.map(|path| format!("/{path}")).collect()
}

#[tokio::test]
async fn the_page_may_load_and_reach_nothing_but_this_gateway() {
    let served = Served::start().await;
    let reply = get(&served, "/", &[]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    let policy = reply.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(
            policy.split("; ").any(|one| one == rule),
            "{rule}: {policy}"
        );
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = reply.text();
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains(" on"));
    assert!(
        page.matches("<script").count()
            == page
                .matches("<script type=\"module\" src=\"assets/")
                .count()
    );
}

#[tokio::test]
async fn the_page_is_asked_for_each_time_and_what_it_names_is_kept_for_ever() {
    let served = Served::start().await;
    let page = get(&served, "/", &[]).await;
    assert_eq!(page.header("cache-control"), "no-cache");
    let assets = assets(page.text());
    assert_eq!(assets.len(), 2, "{assets:?}");
    for path in assets.iter().map(String::as_str).chain(["/"]) {
        let reply = get(&served, path, &[]).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        let policy = page.header("content-security-policy");
        assert_eq!(reply.header("content-security-policy"), policy, "{path}");
        assert_eq!(reply.header("content-encoding"), "");
        assert!(!reply.body.is_empty());
        if path != "/" {
            let kept = "public, max-age=31536000, immutable";
            assert_eq!(reply.header("cache-control"), kept, "{path}");
        }
        let known = [("if-none-match", reply.header("etag"))];
        let again = get(&served, path, &known).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        let other = [("if-none-match", "\"other\"")];
        assert_eq!(get(&served, path, &other).await.status, 200, "{path}");

        let gzip = [("accept-encoding", "gzip, deflate, br")];
        let small = get(&served, path, &gzip).await;
        assert_eq!(small.header("content-encoding"), "gzip", "{path}");
        assert_eq!(small.header("content-type"), reply.header("content-type"));
        assert_eq!(small.header("vary"), "accept-encoding");
        assert!(small.body.starts_with(b"\x1f\x8b") && small.body.len() < reply.body.len());
        assert_ne!(small.header("etag"), reply.header("etag"));
    }
}

#[tokio::test]
async fn the_last_hour_is_told_by_minutes() {
    let served = Served::start().await;
    for _ in 0..3 {
        served
            .signal(&[], r#"{"door_id": "lobby", "action": "granted"}"#)
            .await;
    }
    served.status.set("pending", "4");
    let reply = served.operator("GET", "/api/charts", "").await;
    let charts = reply.json();
    let minutes = charts["minutes"].as_array().unwrap();
    assert_eq!(minutes.len(), 60);
    let events = minutes.iter().map(|one| one["events"].as_u64().unwrap());
    assert_eq!(events.sum::<u64>(), 3);
    assert_eq!(minutes[59]["pending"], 4);
    assert_eq!(minutes[0]["p99"], Value::Null);
    assert_eq!(served.status("GET", "/api/charts").await, 401);
}
