//! Webhook requests, against a loaded driver.
//!
//! `{"settings"?, "systems"?, "requests": [{"method", "headers"?, "body"?, "bytes"?, "caller"?}]}`, in the
//! words of fixtures. An input that is no document is the body of a POST.

use rhombus_replay::{Call, Response};
use serde_json::{Map, Value, json};
use url::Url;

use crate::document::{CANARY, Document};
use crate::site::{self, Records, Site};

/// Requests of one input.
const MOST: usize = 8;

/// Each request is answered as the contract has it, twice.
pub fn run(data: &[u8]) {
    let input = Document::parse(data);
    let settings = input.as_ref().and_then(|input| input.text("settings"));
    let settings = settings.unwrap_or_else(|| json!({"organization_id": "event"}).to_string());
    let systems = input.as_ref().and_then(|input| input.get("systems"));
    let mut site = match Site::load(site::world(systems), &settings) {
        Ok(site) => site,
        Err(why) => panic!("an empty store does not load: {why}"),
    };
    // An empty object says nothing of what was subscribed.
    let awaits_settings = !serde_json::from_str::<Map<String, Value>>(&settings)
        .is_ok_and(|settings| !settings.is_empty());
    let requests = match &input {
        Some(input) => input.list("requests", MOST).iter().map(request).collect(),
        None => vec![with_body("POST", data.to_vec())],
    };
    for request in requests {
        check(&mut site, &request, awaits_settings);
    }
}

/// A request of a document.
struct Request {
    caller: Option<String>,
    method: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn request(value: &Value) -> Request {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let body = match text("bytes").and_then(|bytes| hex::decode(bytes).ok()) {
        Some(bytes) => bytes,
        None => {
            let body = value.get("body").map(rhombus_replay::text);
            body.unwrap_or_default().into_bytes()
        }
    };
    let headers = value.get("headers").and_then(Value::as_object);
    let headers = headers.into_iter().flatten();
    Request {
        caller: text("caller").map(str::to_owned),
        headers: headers
            .map(|(name, value)| (name.clone(), rhombus_replay::text(value)))
            .collect(),
        ..with_body(text("method").unwrap_or("POST"), body)
    }
}

fn with_body(method: &str, body: Vec<u8>) -> Request {
    Request {
        caller: None,
        method: method.to_owned(),
        headers: Vec::new(),
        body,
    }
}

impl Request {
    fn call(&self) -> Call {
        Call::Request {
            caller: self.caller.clone(),
            method: self.method.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
        }
    }

    /// The statuses of the contract.
    fn statuses(&self, awaits_settings: bool) -> &'static [u16] {
        match (self.method.as_str(), awaits_settings) {
            ("POST", false) => &[201, 400, 422, 507],
            ("POST", true) => &[400, 503],
            ("DELETE", false) => &[202, 400, 404],
            ("DELETE", true) => &[400, 503],
            ("GET", _) => &[200, 502],
            ("PUT", _) => &[200, 400, 403, 501],
            _ => &[405],
        }
    }

    /// Whether the canary is where an answer may tell it: in the scheme or the host of the webhook.
    fn shows_canary(&self) -> bool {
        let body = serde_json::from_slice::<Value>(&self.body).ok();
        let webhook = body.as_ref().and_then(|body| body.get("webhook")?.as_str());
        let Some(url) = webhook.and_then(|webhook| Url::parse(webhook).ok()) else {
            return false;
        };
        url.scheme().contains(CANARY) || url.host_str().is_some_and(|host| host.contains(CANARY))
    }
}

fn check(site: &mut Site, request: &Request, awaits_settings: bool) {
    let before = site.records();
    let began = site.world.elapsed();
    let first = site.request(request.call());
    let took = site.world.elapsed() - began;
    let after = site.records();
    assert_answer(request, &first, awaits_settings);
    if first.status >= 400 {
        assert_eq!(
            kept(&before),
            kept(&after),
            "a refusal has written something"
        );
    }

    let second = site.request(request.call());
    assert_answer(request, &second, awaits_settings);
    match (request.method.as_str(), first.status) {
        // Now there is no subscription any more.
        ("DELETE", 202) => assert!([202, 404].contains(&second.status)),
        // What came late may be known by now: a list, or a door that has opened.
        ("GET" | "PUT", _) if took > 0 => {}
        _ => assert_eq!(
            first.status, second.status,
            "the same request, answered otherwise"
        ),
    }
    if (request.method.as_str(), first.status) == ("POST", 201) {
        assert_eq!(after, site.records(), "a repetition has written something");
    }
}

/// All but the record of unlocks, which has refused ones too, and the last key, which it draws.
fn kept(records: &Records) -> Vec<(&String, &Vec<u8>)> {
    let is_kept = |key: &str| !key.starts_with("unlock/") && key != "last-key";
    records.iter().filter(|(key, _)| is_kept(key)).collect()
}

fn assert_answer(request: &Request, answer: &Response, awaits_settings: bool) {
    let statuses = request.statuses(awaits_settings);
    let status = answer.status;
    assert!(
        statuses.contains(&status),
        "{} is answered {status}",
        request.method
    );
    let header = |name: &str| {
        let found = answer.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(status == 405, header("Allow").is_some());
    if answer.body.is_empty() {
        assert!(matches!(status, 200..=202), "{status} without a body");
        return;
    }
    assert_eq!(header("Content-Type"), Some("application/json"));
    let Ok(body) = serde_json::from_str::<Value>(&answer.body) else {
        panic!("{status} with a body that is not JSON");
    };
    if status >= 400 {
        assert_error(&body);
        let tells = answer.body.contains(CANARY) && !request.shows_canary();
        assert!(!tells, "an error tells a secret or a path: {body}");
    } else {
        assert_doors(&body);
    }
}

fn assert_error(body: &Value) {
    let members = body.as_object().map(Map::len);
    let sentence = body.get("error").and_then(Value::as_str);
    assert_eq!(members, Some(1), "{body}");
    assert!(
        sentence.is_some_and(|sentence| !sentence.trim().is_empty()),
        "{body}"
    );
}

/// A list of doors: bare, or as today's driver has it.
fn assert_doors(body: &Value) {
    let doors = body.get("doors").unwrap_or(body).as_array();
    for door in doors.into_iter().flatten() {
        assert!(door.get("door_id").is_some_and(Value::is_string), "{door}");
        let description = door.get("description");
        assert!(description.is_none_or(Value::is_string), "{door}");
    }
    assert!(doors.is_some(), "{body}");
}
