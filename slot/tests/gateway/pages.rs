//! What a page in a browser cannot do.

use rig::client::send;

use crate::pretended::{SIGNAL, Served};

/// A request to each route, with all keys that it could have.
async fn statuses(served: &Served, method: &str, headers: &[(&str, &str)]) -> Vec<u16> {
    let bearer = format!("Bearer {}", served.keys.admin_key.reveal());
    let keys = [
        ("authorization", bearer.as_str()),
        ("x-api-key", served.keys.event_key.reveal()),
    ];
    let headers = [&keys, headers].concat();
    let mut statuses = Vec::new();
    for path in [
        served.hook().as_str(),
        SIGNAL,
        "/api/functions/discard",
        "/healthz",
    ] {
        let reply = send(served.address, method, path, &headers, "{}").await;
        let cors = reply
            .headers
            .keys()
            .find(|name| name.as_str().starts_with("access-control"));
        assert_eq!(cors, None, "{method} {path}");
        assert_eq!(
            reply.header("x-content-type-options"),
            "nosniff",
            "{method} {path}"
        );
        assert_eq!(reply.header("cache-control"), "no-store", "{method} {path}");
        assert_eq!(
            reply.header("referrer-policy"),
            "no-referrer",
            "{method} {path}"
        );
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            "same-origin",
            "{method} {path}"
        );
        statuses.push(reply.status);
    }
    statuses
}

#[tokio::test]
async fn a_page_from_elsewhere_is_refused_on_every_route_even_if_it_has_the_keys() {
    let served = Served::start().await;
    let port = served.address.port();
    for (name, value) in [
        ("origin", "https://elsewhere.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", String::new()),
        // Another port of the same machine is another origin, and so is another name of it.
        ("origin", "http://127.0.0.1:1".to_owned()),
        ("origin", format!("http://localhost:{port}")),
        ("origin", format!("http://127.0.0.1:{port}.evil.example")),
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
    ] {
        for method in ["POST", "GET", "OPTIONS"] {
            let headers = [(name, value.as_str())];
            let answers = statuses(&served, method, &headers).await;
            assert_eq!(answers, [403; 4], "{method}, {name}: {value}");
        }
    }
    let own = format!("http://{}", served.address);
    let mixed = [
        ("origin", own.as_str()),
        ("origin", "https://elsewhere.example"),
    ];
    assert_eq!(statuses(&served, "POST", &mixed).await, [403; 4]);
    assert!(
        served.requests().is_empty() && served.events().is_empty() && served.calls().is_empty()
    );
}

#[tokio::test]
async fn its_own_pages_and_what_is_no_page_may_use_it() {
    let served = Served::start().await;
    let own = format!("http://{}", served.address);
    let behind_tls = format!("https://{}", served.address);
    for headers in [
        &[][..],
        &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
        &[("origin", behind_tls.as_str())],
        &[("sec-fetch-site", "none")],
    ] {
        assert_eq!(
            statuses(&served, "POST", headers).await,
            [200, 200, 200, 405]
        );
    }
}

#[tokio::test]
async fn a_preflight_is_not_answered_as_one() {
    let served = Served::start().await;
    let own = format!("http://{}", served.address);
    let preflight = [
        ("origin", own.as_str()),
        ("access-control-request-method", "POST"),
    ];
    assert_eq!(
        statuses(&served, "OPTIONS", &preflight).await,
        [404, 405, 405, 405]
    );
}

#[tokio::test]
async fn the_module_cannot_open_it_to_others_either() {
    let served = Served::start().await;
    let headers = [("Access-Control-Allow-Origin", "*"), ("x-own", "1")];
    served.answers(crate::pretended::triple(200, &headers, "done"));
    let reply = served.send("GET", &served.hook(), "").await;
    assert_eq!((reply.status, reply.header("x-own")), (200, "1"));
    assert_eq!(reply.header("access-control-allow-origin"), "");
}
