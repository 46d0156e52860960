//! A path is taken as it is written: none of the ways to write another one leads to a route, or past a
//! key.

use crate::pretended::{NOTIFY, SIGNAL, Served};
use crate::raw::{exchange, statuses};

async fn ask(served: &Served, method: &str, path: &str, lines: &str) -> u16 {
    let end = "host: localhost\r\nconnection: close\r\n\r\n";
    let request = format!("{method} {path} HTTP/1.1\r\n{lines}{end}");
    statuses(&exchange(served.address, request).await)[0]
}

#[tokio::test]
async fn what_only_looks_like_a_route_is_none() {
    let served = Served::start().await;
    let admin = format!(
        "authorization: Bearer {}\r\n",
        served.keys.admin_key.reveal()
    );
    for path in [
        "//api/status",
        "/api//status",
        "/api/status/",
        "/api/./status",
        "/api/../api/status",
        "/healthz/../api/status",
        "/healthz/..;/api/status",
        "/%2e%2e/api/status",
        "/api%2fstatus",
        "/api%2Fstatus",
        "/api%5cstatus",
        "/api\\status",
        "/%61pi/status",
        "/api/%73tatus",
        "/api/status;x=y",
        "/api/status%00",
        "/api/status%20",
        "/api/status%3f",
        "/api/status%23x",
        "/api%c0%afstatus",
        "/api%e0%80%afstatus",
        "/API/status",
        "/api/Status",
        "/api/status/..%2fstatus",
        "/api/functions",
        "/api/functions/",
        "/Metrics",
        "/metrics/",
    ] {
        assert_eq!(ask(&served, "GET", path, &admin).await, 404, "{path}");
    }
    // A query, and what a browser would keep to itself, are no part of the path.
    for path in [
        "/api/status?a=/../b",
        "/api/status#x",
        "http://localhost/api/status",
    ] {
        assert_eq!(ask(&served, "GET", path, &admin).await, 200, "{path}");
    }
}

#[tokio::test]
async fn no_way_to_write_a_path_leads_past_a_key() {
    let served = Served::start().await;
    let secret = served.secret();
    let rest = "exec=true&mod=Rhombus&method=request";
    for (path, expected) in [
        ("/api/functions/deliveries".to_owned(), 401),
        ("/api/functions/..%2f..%2fhealthz".to_owned(), 401),
        ("/api/functions/%2e%2e".to_owned(), 401),
        ("/api/functions/%00".to_owned(), 401),
        ("/api/functions/%ff".to_owned(), 401),
        ("/api/functions/..;/..;/healthz".to_owned(), 404),
        ("http://localhost/api/functions/deliveries".to_owned(), 401),
        (SIGNAL.to_owned(), 401),
        (format!("http://localhost{SIGNAL}"), 401),
        (format!("{SIGNAL}&x-api-key=guess"), 401),
        (format!("{NOTIFY}/%00/Rhombus/1/request"), 404),
        (format!("{NOTIFY}/%2e%2e/Rhombus/1/request"), 404),
        (format!("{NOTIFY}//Rhombus/1/request"), 404),
        (format!("{NOTIFY}/{secret}%00/Rhombus/1/request"), 404),
        (format!("{NOTIFY}/{secret}%2fRhombus/1/request"), 404),
        (format!("{NOTIFY}/{secret}%20/Rhombus/1/request"), 404),
        (format!("{NOTIFY}/{secret};x/Rhombus/1/request"), 404),
        (format!("{NOTIFY}%2f{secret}/Rhombus/1/request"), 404),
        (format!("{NOTIFY}/x/../{secret}/Rhombus/1/request"), 404),
        // The path has precedence, and of a query the first.
        (
            format!("{NOTIFY}/guess/Rhombus/1/request?secret={secret}"),
            404,
        ),
        (format!("{NOTIFY}?secret=guess&secret={secret}&{rest}"), 404),
        (format!("{NOTIFY}?secret[]={secret}&{rest}"), 422),
        (format!("{NOTIFY}?secret={secret}%00&{rest}"), 404),
        (format!("{NOTIFY}#secret={secret}&{rest}"), 422),
        (
            format!("/api/engine/v2/webhook/%2e/notify/{secret}/Rhombus/1/request"),
            404,
        ),
    ] {
        assert_eq!(ask(&served, "POST", &path, "").await, expected, "{path}");
    }
    assert!(
        served.requests().is_empty() && served.events().is_empty() && served.calls().is_empty()
    );
}

#[tokio::test]
async fn a_path_that_is_no_uri_is_refused() {
    let served = Served::start().await;
    for path in [
        "healthz",
        "",
        "/healthz\u{7f}",
        "/health\u{e9}",
        "/a\u{0}",
        "ftp:/x",
    ] {
        let status = ask(&served, "GET", path, "").await;
        assert!((400..500).contains(&status), "{path:?}: {status}");
    }
}
