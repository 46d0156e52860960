//! What is asked of a module, and what is answered when its instance cannot.

use tokio::sync::oneshot;

use crate::host::under_way::{Limit, Place};

/// Calls of a module under way, and the bytes that they carry: also those that wait for it, or whose
/// answer nobody waits for any more. The gateway has 512 connections, and of the channel's events 256 are
/// offered at a time.
pub(super) const UNDER_WAY: Limit = Limit {
    calls: 4096,
    bytes: 128 << 20,
};

/// A webhook request, as PlaceOS hands it to a driver. Its headers and body hold secrets, and so it
/// has no `Debug`.
#[derive(Clone)]
pub struct Request {
    /// Who asks, as far as the slot knows; for a webhook `webhook.<trigger>`.
    pub caller: Option<String>,
    /// The HTTP method, in upper case.
    pub method: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What the driver answers: PlaceOS's triple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty means none.
    pub body: String,
}

/// What became of a door event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Saved, and on its way to every subscriber.
    Accepted,
    /// One of this id was accepted before.
    Known,
}

/// Why a door event was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It cannot be read; it is kept as rejected, with this reason.
    #[error("{0}")]
    Rejected(String),
    /// It is not known to be saved.
    #[error("{0}")]
    Unsaved(String),
}

/// Why a function did not do what it was called for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The driver has no function of that name.
    #[error("there is no such function")]
    Unknown,
    /// Its arguments cannot be what is meant; nothing was done.
    #[error("{0}")]
    Invalid(String),
    /// It could not be done, or is not known to be.
    #[error("{0}")]
    Failed(String),
}

/// How much time the guest has for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// The usual limit.
    Enough,
    /// None: the call traps. It shows what a trap does.
    None,
}

/// What a module's supervisor is asked.
pub(super) enum Command {
    Request {
        request: Request,
        time: Time,
        reply: Reply<Response>,
    },
    Event(Offer),
    Function {
        name: String,
        arguments: String,
        reply: Reply<Result<String, CallError>>,
    },
    Update {
        settings: String,
        reply: Reply<()>,
    },
    Stop,
}

/// Where a call's answer goes. While it is there the call is under way.
pub(super) struct Reply<T> {
    to: oneshot::Sender<T>,
    _place: Option<Place>,
}

/// A door event on its way in.
pub(super) struct Offer {
    pub(super) event: String,
    pub(super) id: String,
    pub(super) time: Time,
    pub(super) reply: Reply<Result<Acceptance, EventError>>,
}

impl<T> Reply<T> {
    /// A reply to `to`; the call has this place among those under way, if it counts.
    pub(super) fn new(to: oneshot::Sender<T>, place: Option<Place>) -> Self {
        Self { to, _place: place }
    }

    /// Answers. Whoever asked may be gone.
    pub(super) fn send(self, answer: T) {
        let _ = self.to.send(answer);
    }
}

impl CallError {
    /// The answer if a trap ends the call.
    pub(super) fn when_trapped() -> Self {
        Self::Failed("the module failed; what became of the call is not known".to_owned())
    }

    /// The answer if there is no instance: nothing was done.
    pub(crate) fn when_down() -> Self {
        Self::Failed("the module is not running now; call again later".to_owned())
    }

    /// The answer if too much is under way: nothing was done.
    pub(super) fn when_busy() -> Self {
        Self::Failed("the module has too much to do now; call again later".to_owned())
    }
}

impl Request {
    /// The answer if a trap ends the call: what was done is not known.
    pub(crate) fn when_trapped(&self) -> Response {
        self.failed(
            500,
            "the module failed; what became of the request is not known",
        )
    }

    /// The answer if there is no instance: nothing was done.
    pub(crate) fn when_down(&self) -> Response {
        self.failed(
            503,
            "the module is not running now; repeat the request later",
        )
    }

    /// The answer if too much is under way: nothing was done.
    pub(super) fn when_busy(&self) -> Response {
        self.failed(
            503,
            "the module has too much to do now; repeat the request later",
        )
    }

    /// The answer if the module's own is none that can be passed on.
    pub(super) fn when_unusable(&self) -> Response {
        self.failed(500, "the module's answer is not usable")
    }

    /// How much is given to the module.
    pub(super) fn bytes(&self) -> usize {
        let head = self.headers.iter();
        let head: usize = head.map(|(name, value)| name.len() + value.len()).sum();
        head + self.body.len()
    }

    /// For an unlock that fails, for any reason, the contract has 403.
    fn failed(&self, status: u16, sentence: &str) -> Response {
        let status = if self.method == "PUT" { 403 } else { status };
        Response {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: serde_json::json!({ "error": sentence }).to_string(),
        }
    }
}
