//! What crosses, in both directions. What a host answers may be anything at all: it is read by calls
//! that cannot throw into the module.

use js_sys::{Array, Error, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::door::UnlockOutcome;
use crate::host::{Change, CommitError, Level, ListedDoor, Post, PostAnswer, PostFailure};
use crate::intake::{Acceptance, EventError};
use crate::operators::CallError;
use crate::webhook::Response;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = Array, js_name = isArray)]
    fn is_array(value: &JsValue) -> Result<bool, JsValue>;
    #[wasm_bindgen(catch, js_namespace = Array, js_name = from)]
    fn array_from(value: &JsValue) -> Result<Array, JsValue>;
}

/// `[status, headers, body]`.
pub(super) fn response(response: Response) -> JsValue {
    Array::of3(
        &response.status.into(),
        &pairs(&response.headers),
        &response.body.into(),
    )
    .into()
}

/// A request's headers, as far as they are any.
pub(super) fn headers(headers: &JsValue) -> Vec<(String, String)> {
    let headers = items(headers).unwrap_or_default();
    headers
        .iter()
        .filter_map(|header| pair(&header).ok())
        .collect()
}

/// What became of an event; the error is a `DoorEventError`.
pub(super) fn acceptance(outcome: Result<Acceptance, EventError>) -> Result<JsValue, JsValue> {
    let error = match outcome {
        Ok(Acceptance::Accepted) => return Ok("accepted".into()),
        Ok(Acceptance::Known) => return Ok("known".into()),
        Err(error) => error,
    };
    let text = error.to_string();
    let (kind, reason) = match error {
        EventError::Rejected(reason) => ("rejected", reason),
        EventError::Unsaved(why) => ("unsaved", why),
    };
    let js = named_error("DoorEventError", kind, &text);
    set(&js, "reason", &reason.into());
    Err(js.into())
}

/// What a function answered; the error is a `CallError`.
pub(super) fn answer(outcome: Result<String, CallError>) -> Result<JsValue, JsValue> {
    let error = match outcome {
        Ok(json) => return Ok(json.into()),
        Err(error) => error,
    };
    let kind = match error {
        CallError::Unknown => "unknown",
        CallError::Invalid(_) => "invalid",
        CallError::Failed(_) => "failed",
    };
    Err(named_error("CallError", kind, &error.to_string()).into())
}

fn named_error(name: &str, kind: &str, text: &str) -> Error {
    let js = Error::new(text);
    js.set_name(name);
    set(&js, "kind", &kind.into());
    js
}

/// A record's value, or none.
pub(super) fn record(answer: JsValue) -> Result<Option<Vec<u8>>, String> {
    if answer.is_undefined() || answer.is_null() {
        return Ok(None);
    }
    bytes(&answer).map(Some)
}

/// Records: `[key, value]` each.
pub(super) fn page(answer: JsValue) -> Result<Vec<(String, Vec<u8>)>, String> {
    let record = |item: JsValue| {
        let pair = items(&item)?;
        Ok((text(&pair.get(0))?, bytes(&pair.get(1))?))
    };
    items(&answer)?.iter().map(record).collect()
}

/// The changes of a commit.
pub(super) fn changes(changes: Vec<Change>) -> JsValue {
    let change = |change| {
        let (kind, key, value) = match change {
            Change::Put { key, value } => ("put", key, Some(value)),
            Change::Delete { key } => ("delete", key, None),
            Change::PutIfAbsent { key, value } => ("put-if-absent", key, Some(value)),
        };
        let js = Object::new();
        set(&js, "kind", &kind.into());
        set(&js, "key", &key.into());
        if let Some(value) = value {
            set(&js, "value", &Uint8Array::from(value.as_slice()));
        }
        js
    };
    changes.into_iter().map(change).collect::<Array>().into()
}

/// What came of a commit. Only a host that says so has made it.
pub(super) fn committed(answer: &JsValue) -> Result<(), CommitError> {
    if *answer == "committed" {
        return Ok(());
    }
    let exists = member(answer, "exists").and_then(|key| text(&key));
    Err(exists.map_or_else(CommitError::Failed, CommitError::Exists))
}

/// A request to a subscriber.
pub(super) fn post(post: Post) -> JsValue {
    let timeout = u32::try_from(post.timeout.as_millis()).unwrap_or(u32::MAX);
    let js = Object::new();
    set(&js, "url", &post.url.into());
    set(&js, "headers", &pairs(&post.headers));
    set(&js, "body", &post.body.into());
    set(&js, "timeout_ms", &timeout.into());
    set(&js, "wanted", &Array::of1(&"retry-after".into()));
    js.into()
}

/// What a receiver answered, or why there is no answer.
pub(super) fn post_answer(answer: &JsValue) -> Result<PostAnswer, PostFailure> {
    if let Some(failure) = failure(answer) {
        return Err(failure);
    }
    answered(answer).map_err(PostFailure::Other)
}

fn answered(answer: &JsValue) -> Result<PostAnswer, String> {
    let status = member(answer, "status")?.as_f64();
    let status = status.filter(|status| status.fract() == 0.0 && (100.0..1000.0).contains(status));
    let mut retry_after = None;
    for header in items(&member(answer, "headers")?)?.iter() {
        let (name, value) = pair(&header)?;
        if name.eq_ignore_ascii_case("retry-after") {
            retry_after = Some(value);
        }
    }
    Ok(PostAnswer {
        status: status.ok_or_else(nonsense)? as u16,
        retry_after,
    })
}

/// A header.
fn pair(value: &JsValue) -> Result<(String, String), String> {
    let pair = items(value)?;
    Ok((text(&pair.get(0))?, text(&pair.get(1))?))
}

fn failure(answer: &JsValue) -> Option<PostFailure> {
    let kind = member(answer, "failure").ok()?.as_string()?;
    let reason = member(answer, "reason").and_then(|reason| text(&reason));
    let reason = reason.unwrap_or_else(|_| kind.clone());
    Some(match kind.as_str() {
        "dns" => PostFailure::Dns(reason),
        "refused" => PostFailure::Refused(reason),
        "timeout" => PostFailure::Timeout,
        "tls" => PostFailure::Tls(reason),
        "blocked" => PostFailure::Blocked(reason),
        "too-large" => PostFailure::TooLarge,
        _ => PostFailure::Other(reason),
    })
}

/// Whether a URL is permitted: nothing, or the reason it is not.
pub(super) fn checked(answer: &JsValue) -> Result<(), String> {
    if answer.is_undefined() {
        return Ok(());
    }
    Err(text(answer)?)
}

/// The names of security systems.
pub(super) fn names(answer: JsValue) -> Result<Vec<String>, String> {
    items(&answer)?.iter().map(|name| text(&name)).collect()
}

/// The doors of one.
pub(super) fn doors(answer: JsValue) -> Result<Vec<ListedDoor>, String> {
    let door = |item: JsValue| {
        let description = member(&item, "description")?;
        Ok(ListedDoor {
            id: text(&member(&item, "id")?)?,
            description: match description.is_undefined() {
                true => None,
                false => Some(text(&description)?),
            },
        })
    };
    items(&answer)?.iter().map(door).collect()
}

/// What came of an unlock.
pub(super) fn outcome(answer: &JsValue) -> Result<UnlockOutcome, String> {
    match answer.as_string().as_deref() {
        Some("unlocked") => Ok(UnlockOutcome::Unlocked),
        Some("refused") => Ok(UnlockOutcome::Refused),
        Some("unsupported") => Ok(UnlockOutcome::Unsupported),
        _ => Err(nonsense()),
    }
}

/// The fields of a log line.
pub(super) fn fields(fields: &[(&str, &str)]) -> JsValue {
    let js = Object::new();
    for &(name, value) in fields {
        set(&js, name, &value.into());
    }
    js.into()
}

/// The name of a level.
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// What an error, or whatever else was thrown, says.
pub(super) fn reason(thrown: &JsValue) -> String {
    let message = thrown.as_string();
    let message = message.or_else(|| member(thrown, "message").ok()?.as_string());
    message.unwrap_or_else(|| "the host failed and did not say why".to_owned())
}

fn pairs(headers: &[(&'static str, impl AsRef<str>)]) -> Array {
    let pair = |(name, value): &(&str, _)| {
        let value: &str = AsRef::as_ref(value);
        Array::of2(&(*name).into(), &value.into())
    };
    headers.iter().map(pair).collect()
}

/// Sets a member of an object that was made here, which cannot fail.
fn set(object: &JsValue, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &name.into(), value);
}

fn member(object: &JsValue, name: &str) -> Result<JsValue, String> {
    Reflect::get(object, &name.into()).map_err(|_| nonsense())
}

/// The items of an array, copied: whatever odd object it is, the copy is a plain one.
fn items(value: &JsValue) -> Result<Array, String> {
    match is_array(value) {
        Ok(true) => array_from(value).map_err(|_| nonsense()),
        _ => Err(nonsense()),
    }
}

fn text(value: &JsValue) -> Result<String, String> {
    value.as_string().ok_or_else(nonsense)
}

fn bytes(value: &JsValue) -> Result<Vec<u8>, String> {
    let bytes = value.dyn_ref::<Uint8Array>();
    bytes.map(Uint8Array::to_vec).ok_or_else(nonsense)
}

fn nonsense() -> String {
    "the host answered what its type does not allow".to_owned()
}
