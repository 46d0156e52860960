//! The webhook, in both forms of its URL.

use placeos_slot::module::Request;
use serde_json::json;

use crate::pretended::{NOTIFY, Served, triple};
use rig::client::send;

fn value<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn every_form_of_the_url_calls_the_module() {
    let served = Served::start().await;
    let (notify, secret) = (served.notify(), served.secret());
    let forms = [
        format!("{NOTIFY}?secret={secret}&exec=true&mod=Rhombus&method=request"),
        format!("{NOTIFY}?method=request&index=1&mod=Rhombus&exec=TRUE&secret={secret}"),
        format!("{notify}?exec=true&mod=Rhombus&method=request"),
        format!("{notify}/Rhombus/1/request"),
        format!("{notify}/Rhombus/1/request/false"),
        format!("{notify}/Rhombus/1/request?exec=false&mod=Other&index=7&method=other"),
    ];
    for form in &forms {
        let reply = served.send("POST", form, r#"{"webhook":"é"}"#).await;
        assert_eq!((reply.status, reply.text()), (200, "done"), "{form}");
    }
    let requests = served.requests();
    assert_eq!(requests.len(), forms.len());
    for (request, form) in requests.iter().zip(&forms) {
        assert_eq!(request.caller.as_deref(), Some("webhook.trig-rhombus"));
        assert_eq!(request.method, "POST");
        assert_eq!(request.body, r#"{"webhook":"é"}"#.as_bytes());
        let query = form.split_once('?').map_or("", |(_, query)| query);
        assert_eq!(value(request, "pos-query-params"), Some(query));
    }
}

#[tokio::test]
async fn the_module_gets_method_headers_and_body() {
    let served = Served::start().await;
    let hook = served.hook();
    for method in ["GET", "POST", "PUT", "DELETE"] {
        assert_eq!(served.status(method, &hook).await, 200);
        assert_eq!(served.requests().last().unwrap().method, method);
    }
    let given = [
        ("X-Any", "one"),
        ("X-Any", "two"),
        ("pos-query-params", "forged"),
    ];
    send(served.address, "POST", &hook, &given, "").await;
    let request = served.requests().pop().unwrap();
    let twice = request.headers.iter().filter(|(name, _)| name == "x-any");
    let values: Vec<&str> = twice.map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["one", "two"]);
    let queries = request
        .headers
        .iter()
        .filter(|(name, _)| name == "pos-query-params");
    let queries: Vec<&str> = queries.map(|(_, value)| value.as_str()).collect();
    assert_eq!(queries, [""]);
}

#[tokio::test]
async fn a_body_goes_in_base64_where_that_is_asked() {
    let served = Served::start().await;
    for binary in ["/true", "/True", "?binary=true"] {
        let hook = served.hook() + binary;
        send(served.address, "POST", &hook, &[], &b"\xff\xfe"[..]).await;
        assert_eq!(served.requests().pop().unwrap().body, b"//4=\n", "{binary}");
    }
}

#[tokio::test]
async fn head_runs_as_get_and_its_answer_has_no_body() {
    let served = Served::start().await;
    let reply = served.send("HEAD", &served.hook(), "").await;
    assert_eq!((reply.status, reply.text()), (200, ""));
    assert_eq!(served.requests()[0].method, "GET");
}

#[tokio::test]
async fn without_the_secret_there_is_nothing() {
    let served = Served::start().await;
    let secret = served.secret();
    let missing = served
        .send("POST", &format!("{NOTIFY}?exec=true"), "")
        .await;
    assert_eq!(missing.status, 422);
    assert_eq!(
        missing.json(),
        json!({
            "error": "the parameter secret is missing",
            "parameter": "secret",
            "restriction": "String",
        })
    );
    let other_trigger = "/api/engine/v2/webhook/trig-other/notify";
    let rest = "exec=true&mod=Rhombus&method=request";
    let answers = [
        served
            .send("POST", &format!("{NOTIFY}?secret=&{rest}"), "")
            .await,
        served
            .send("POST", &format!("{NOTIFY}?secret=guess&{rest}"), "")
            .await,
        served
            .send("POST", &format!("{NOTIFY}?secret={secret}A&{rest}"), "")
            .await,
        served
            .send("POST", &format!("{NOTIFY}/guess/Rhombus/1/request"), "")
            .await,
        served
            .send("POST", &format!("{NOTIFY}/guess/Rhombus/x/request"), "")
            .await,
        served
            .send("PATCH", &format!("{NOTIFY}/guess?secret={secret}"), "")
            .await,
        served
            .send(
                "POST",
                &format!("{other_trigger}?secret={secret}&{rest}"),
                "",
            )
            .await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 404);
        let error = json!({ "error": "there is no trigger of this id and secret" });
        assert_eq!(answer.json(), error);
    }
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn a_request_is_checked_in_the_order_that_placeos_has() {
    let served = Served::start().await;
    let notify = served.notify();

    for index in ["x", "1.0", "", "99999999999"] {
        let path = format!("{notify}?index={index}");
        let reply = served.send("PATCH", &path, "").await;
        assert_eq!(reply.status, 400, "{index}");
        assert_eq!(reply.json()["parameter"], "index");
    }
    for method in ["OPTIONS", "PATCH", "TRACE", "PROPFIND"] {
        let reply = served.send(method, &notify, "").await;
        assert_eq!((reply.status, reply.text()), (404, ""), "{method}");
        assert_eq!(served.status(method, &served.hook()).await, 404, "{method}");
    }
    for query in [
        "",
        "?exec=false&mod=Rhombus&method=request",
        "?exec=1",
        "?exec=yes",
    ] {
        let reply = served.send("POST", &format!("{notify}{query}"), "").await;
        assert_eq!((reply.status, reply.text()), (202, ""), "{query}");
    }
    for (query, parameter) in [
        ("exec=true", "mod"),
        ("exec=true&method=request", "mod"),
        ("exec=true&mod=Rhombus", "method"),
    ] {
        let reply = served.send("POST", &format!("{notify}?{query}"), "").await;
        assert_eq!(reply.status, 422, "{query}");
        assert_eq!(reply.json()["parameter"], parameter);
    }
    for target in [
        "Other/1/request",
        "rhombus/1/request",
        "Rhombus/2/request",
        "Rhombus/0/request",
        "Rhombus/1/door_event",
        "Rhombus/1/post",
        "Rhombus/1/other",
    ] {
        let reply = served.send("POST", &format!("{notify}/{target}"), "").await;
        assert_eq!(reply.status, 500, "{target}");
        assert!(reply.json()["error"].is_string(), "{target}");
    }
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn the_modules_triple_becomes_the_answer() {
    let served = Served::start().await;
    let hook = served.hook();

    served.answers(triple(201, &[], ""));
    let reply = served.send("POST", &hook, "").await;
    assert_eq!((reply.status, reply.text()), (201, ""));
    assert_eq!(reply.header("content-type"), "");

    served.answers(triple(404, &[], "no such subscription"));
    let reply = served.send("DELETE", &hook, "").await;
    assert_eq!((reply.status, reply.text()), (404, "no such subscription"));
    assert_eq!(reply.header("content-type"), "text/plain");

    let headers = [
        ("CONTENT-type", "application/json"),
        ("X-One", "1"),
        ("x-one", "2"),
    ];
    served.answers(triple(200, &headers, r#"[{"door_id":"lobby"}]"#));
    let reply = served.send("GET", &hook, "").await;
    assert_eq!(reply.json(), json!([{ "door_id": "lobby" }]));
    assert_eq!(reply.header("content-type"), "application/json");
    let values: Vec<_> = reply.headers.get_all("x-one").iter().collect();
    assert_eq!(values, ["2"]);
}

#[tokio::test]
async fn an_answer_that_is_not_usable_is_an_error() {
    let served = Served::start().await;
    for unusable in [
        triple(0, &[], ""),
        triple(101, &[], ""),
        triple(600, &[], ""),
        triple(200, &[("two words", "x")], ""),
        triple(200, &[("", "x")], ""),
        triple(200, &[("x-any", "two\r\nx-forged: lines")], ""),
        triple(200, &[("Content-Length", "5")], "done"),
        triple(200, &[("transfer-encoding", "chunked")], "done"),
    ] {
        served.answers(unusable.clone());
        let reply = served.send("GET", &served.hook(), "").await;
        assert_eq!(reply.status, 500, "{unusable:?}");
        assert_eq!(
            reply.json(),
            json!({ "error": "the module's answer is not usable" })
        );
    }
}
