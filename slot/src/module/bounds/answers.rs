//! What a module may answer.

use http::header::{self, HeaderName, HeaderValue};

use super::text::clipped;
use crate::module::calls::{CallError, EventError, Response};

/// Bytes of a body, or of what a function answers. The longest are lists: of 20,000 doors, or of 500
/// deliveries.
const BODY: usize = 8 << 20;
/// Headers of an answer, and their bytes. The driver sends two.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 << 10;
/// Bytes of a reason.
const REASON: usize = 1024;

/// Headers that say where an answer ends on its connection. They are the slot's to write, not a module's.
pub(crate) const FRAMING: [HeaderName; 4] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Why an answer is of no use, if it is not; for the log.
pub(in super::super) fn unusable(response: &Response) -> Option<String> {
    let bytes = |(name, value): &(String, String)| name.len() + value.len();
    if !(200..600).contains(&response.status) {
        return Some(format!("{} is no status of an answer", response.status));
    }
    if response.body.len() > BODY {
        return Some(format!("its body has {} bytes", response.body.len()));
    }
    let head: usize = response.headers.iter().map(bytes).sum();
    if response.headers.len() > HEADERS || head > HEADER_BYTES {
        return Some("its headers are too large".to_owned());
    }
    for (place, (name, value)) in (1..).zip(&response.headers) {
        let Ok(name) = name.parse::<HeaderName>() else {
            return Some(format!("header {place} is not one that HTTP can carry"));
        };
        if HeaderValue::from_str(value).is_err() {
            return Some(format!(
                "the header {name} has a value that HTTP cannot carry"
            ));
        }
        if FRAMING.contains(&name) {
            return Some(format!("the header {name} is not a module's to set"));
        }
    }
    None
}

/// What a function answered, within bounds.
pub(in super::super) fn function(answer: Result<String, CallError>) -> Result<String, CallError> {
    match answer {
        Ok(json) if json.len() > BODY => Err(CallError::Failed(
            "the module's answer is too large".to_owned(),
        )),
        Ok(json) => Ok(json),
        Err(CallError::Unknown) => Err(CallError::Unknown),
        Err(CallError::Invalid(why)) => Err(CallError::Invalid(reason(why))),
        Err(CallError::Failed(why)) => Err(CallError::Failed(reason(why))),
    }
}

/// Why an event was not accepted, within bounds.
pub(in super::super) fn event(error: EventError) -> EventError {
    match error {
        EventError::Rejected(why) => EventError::Rejected(reason(why)),
        EventError::Unsaved(why) => EventError::Unsaved(reason(why)),
    }
}

/// A reason that people read.
pub(in super::super) fn reason(why: String) -> String {
    clipped(&why, REASON).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, name: &str, value: &str, body: usize) -> Response {
        Response {
            status,
            headers: vec![(name.to_owned(), value.to_owned())],
            body: "x".repeat(body),
        }
    }

    #[test]
    fn an_answer_that_http_can_carry_is_of_use() {
        let json = "application/json; charset=utf-8";
        for status in [200, 201, 404, 599] {
            assert_eq!(unusable(&answer(status, "Content-Type", json, 100)), None);
        }
        assert_eq!(unusable(&answer(200, "Retry-After", "1", BODY)), None);
    }

    #[test]
    fn nonsense_is_not() {
        for (answer, why) in [
            (answer(99, "a", "b", 0), "99 is no status"),
            (answer(101, "a", "b", 0), "101 is no status"),
            (answer(600, "a", "b", 0), "600 is no status"),
            (answer(200, "a b", "c", 0), "header 1"),
            (answer(200, "", "c", 0), "header 1"),
            (answer(200, "A", "b\r\nc: d", 0), "header a"),
            (answer(200, "Content-Length", "7", 0), "content-length"),
            (
                answer(200, "Transfer-Encoding", "chunked", 0),
                "transfer-encoding",
            ),
            (
                answer(200, "a", &"b".repeat(HEADER_BYTES), 0),
                "its headers",
            ),
            (answer(200, "a", "b", BODY + 1), "its body"),
        ] {
            let said = unusable(&answer).unwrap();
            assert!(said.contains(why), "{said}");
        }
    }
}
