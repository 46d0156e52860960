//! Who is logged in at the console, and what the cookie is that says so.

use rig::client::{Reply, send};

use crate::pretended::Served;

impl Served {
    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn login(&self, origin: &str, body: String) -> Reply {
        let headers = [("origin", origin)];
        send(self.address, "POST", "/login", &headers, body).await
    }

    /// Logs in, and answers the cookie as a browser would show it.
    async fn cookie(&self) -> String {
        let key = self.keys.admin_key.reveal();
        let reply = self
            .login(&self.origin(), format!(r#"{{"key": "{key}"}}"#))
            .await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        let cookie = reply.header("set-cookie").split(';').next().unwrap();
        cookie.to_owned()
    }
}

#[tokio::test]
async fn only_the_admin_key_logs_in() {
    let served = Served::start().await;
    let admin = served.keys.admin_key.reveal();
    let event = served.keys.event_key.reveal();
    for (body, status) in [
        (String::new(), 400),
        ("{}".to_owned(), 400),
        (format!("{{\"key\": [\"{admin}\"]}}"), 400),
        (format!("key={admin}"), 400),
        ("{\"key\": \"\"}".to_owned(), 401),
        (format!("{{\"key\": \"{event}\"}}"), 401),
        (format!("{{\"key\": \"{}\"}}", served.secret()), 401),
        (format!("{{\"key\": \"{}\"}}", &admin[1..]), 401),
        (format!("{{\"key\": \"{admin} \"}}"), 401),
    ] {
        let reply = served.login(&served.origin(), body.clone()).await;
        assert_eq!(reply.status, status, "{body}");
        assert_eq!(reply.header("set-cookie"), "", "{body}");
        let sentence = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(!sentence.contains(admin), "{sentence}");
    }
    assert_eq!(served.status("GET", "/login").await, 405);
    let elsewhere = "https://elsewhere.example";
    let body = format!("{{\"key\": \"{admin}\"}}");
    assert_eq!(served.login(elsewhere, body).await.status, 403);
}

#[tokio::test]
async fn the_cookie_is_for_this_gateway_alone_and_no_script_sees_it() {
    let served = Served::start().await;
    let key = served.keys.admin_key.reveal();
    let body = format!("{{\"key\": \"{key}\"}}");
    let reply = served.login(&served.origin(), body.clone()).await;
    let cookie = reply.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    let (name, id) = pair.split_once('=').unwrap();
    assert_eq!(name, format!("placeos-slot-{}", served.address.port()));
    assert_eq!(id.len(), 43);
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    assert!(!cookie.contains(key));
    assert!(reply.body.is_empty());

    // What came by https must never go in clear.
    let behind_tls = format!("https://{}", served.address);
    let reply = served.login(&behind_tls, body).await;
    let cookie = reply.header("set-cookie");
    assert!(cookie.ends_with("; SameSite=Strict; Secure"), "{cookie}");
    assert!(!cookie.contains(id), "each has an id of its own");
}

#[tokio::test]
async fn whoever_is_logged_in_may_do_what_the_key_may() {
    let served = Served::start().await;
    let (cookie, origin) = (served.cookie().await, served.origin());
    let others = format!("theme=dark; {cookie}; placeos-slot=x");
    for cookie in [&cookie, &others] {
        let headers = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
        for (method, path) in [
            ("GET", "/api/status"),
            ("GET", "/api/charts"),
            ("GET", "/metrics"),
            ("POST", "/api/functions/deliveries"),
        ] {
            let reply = send(served.address, method, path, &headers, "{}").await;
            assert_eq!(reply.status, 200, "{method} {path}");
        }
    }
    for wrong in ["", "x", &cookie[..cookie.len() - 1], &cookie.to_uppercase()] {
        let reply = send(
            served.address,
            "GET",
            "/api/status",
            &[("cookie", wrong)],
            "",
        )
        .await;
        assert_eq!(reply.status, 401, "{wrong}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_not_made_good_by_a_cookie() {
    let served = Served::start().await;
    let cookie = served.cookie().await;
    let headers = [("cookie", cookie.as_str()), ("authorization", "Bearer x")];
    let reply = send(served.address, "GET", "/api/status", &headers, "").await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn what_changes_something_must_say_that_the_gateways_own_page_asks() {
    let served = Served::start().await;
    let cookie = served.cookie().await;
    let cookie = ("cookie", cookie.as_str());
    let paths = ["/api/functions/discard", "/api/doors/unlock", "/logout"];
    for path in paths {
        let reply = send(served.address, "POST", path, &[cookie], "{}").await;
        assert_eq!(reply.status, 403, "{path}");
        for (name, value) in [
            ("origin", "https://elsewhere.example"),
            ("origin", "http://127.0.0.1:1"),
            ("origin", "null"),
            ("sec-fetch-site", "same-site"),
        ] {
            let headers = [cookie, (name, value)];
            let reply = send(served.address, "POST", path, &headers, "{}").await;
            assert_eq!(reply.status, 403, "{path}, {name}: {value}");
        }
    }
    assert!(served.calls().is_empty() && served.requests().is_empty());
    // It is still logged in.
    let reply = send(served.address, "GET", "/api/status", &[cookie], "").await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn whoever_logs_out_is_logged_out() {
    let served = Served::start().await;
    let (cookie, other) = (served.cookie().await, served.cookie().await);
    let origin = served.origin();
    let headers = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
    let reply = send(served.address, "POST", "/logout", &headers, "").await;
    assert_eq!(reply.status, 204);
    let taken_back = reply.header("set-cookie");
    let (name, _) = cookie.split_once('=').unwrap();
    assert!(
        taken_back.starts_with(&format!("{name}=; ")),
        "{taken_back}"
    );
    assert!(taken_back.ends_with("; Max-Age=0"), "{taken_back}");
    for (cookie, status) in [(&cookie, 401), (&other, 200)] {
        let headers = [("cookie", cookie.as_str())];
        let reply = send(served.address, "GET", "/api/status", &headers, "").await;
        assert_eq!(reply.status, status);
    }
    // Nobody is logged in here, and nothing is wrong with that.
    let reply = send(served.address, "POST", "/logout", &headers[1..], "").await;
    assert_eq!(reply.status, 204);
}
