//! What the webhook answers.

use serde::Serialize;

use crate::record;

/// An answer, as PlaceOS takes it: status, headers, body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body; empty if there is none.
    pub body: String,
}

impl Response {
    /// An answer that is all status.
    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// An answer with a JSON body.
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        let headers = vec![("Content-Type", "application/json")];
        Self {
            status,
            headers,
            body: record::text(body),
        }
    }

    /// An answer that says in one sentence what is wrong: `{"error": …}`.
    pub(super) fn error(status: u16, sentence: &str) -> Self {
        #[derive(Serialize)]
        struct Error<'a> {
            error: &'a str,
        }
        Self::json(status, &Error { error: sentence })
    }

    pub(super) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}
