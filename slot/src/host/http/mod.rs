//! POSTs on a module's behalf.

use std::fmt;
use std::time::Duration;

use super::Answer;

mod client;

pub use self::client::Client;

/// A POST that a module asks for.
#[derive(Clone)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// From the start of the call to the end of the answer's body.
    pub timeout: Duration,
    /// Which headers of the answer to report, in lower case.
    pub wanted: Vec<String>,
}

/// What the receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostAnswer {
    /// The status.
    pub status: u16,
    /// The headers that were wanted and came.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostFailure {
    /// The name does not resolve.
    #[error("the name does not resolve: {0}")]
    Dns(String),
    /// No connection, or one that broke.
    #[error("no connection: {0}")]
    Refused(String),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The receiver's certificate or its TLS is not to be trusted.
    #[error("no trusted TLS: {0}")]
    Tls(String),
    /// The egress rule forbids it.
    #[error("{0}")]
    Blocked(String),
    /// The answer did not end within the limit.
    #[error("the answer is too large")]
    TooLarge,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// The way out.
pub trait Http: Send + Sync {
    /// Sends one POST; never follows a redirect.
    fn post(&self, post: Post) -> Answer<Result<PostAnswer, PostFailure>>;
    /// Whether the egress rule lets a POST go there now, or why not. A name that does not resolve now is allowed.
    fn check(&self, url: String) -> Answer<Result<(), String>>;
}

/// Without the URL and the headers, which hold secrets, and the body, which is about people.
impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
