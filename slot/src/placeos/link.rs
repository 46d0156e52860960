//! The way to core: frames out by one writer, and requests that core answers.
//!
//! The writer is a thread of its own, so that neither a slow core holds modules up, nor a module
//! that computes holds up an answer.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use placeos_wire::frame;
use placeos_wire::{Command, Message};
use tokio::sync::oneshot;

/// How long core has to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// Bytes that wait for core to read them, beyond which log lines are left out.
const LOG_LIMIT: usize = 1 << 20;

/// The way to core. Clones are the same.
#[derive(Clone)]
pub(super) struct Link(Arc<Shared>);

struct Shared {
    frames: mpsc::Sender<Out>,
    waiting: Arc<AtomicUsize>,
    asked: Mutex<HashMap<u64, oneshot::Sender<Message>>>,
    next: AtomicU64,
}

enum Out {
    Frame(Vec<u8>),
    Flush(mpsc::Sender<()>),
}

/// Why core's answer to a request is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AskError {
    #[error("core did not answer in time")]
    Timeout,
    #[error("remote exception: {0}")]
    Remote(String),
}

impl Link {
    /// Writes to `stream` from now on.
    pub(super) fn new(mut stream: UnixStream) -> std::io::Result<Self> {
        let (frames, queue) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        thread::Builder::new()
            .name("to-core".to_owned())
            .spawn(move || {
                // Once core is gone frames go nowhere. The reader sees the same end, and acts on it.
                let mut is_open = true;
                for out in queue {
                    match out {
                        Out::Frame(frame) => {
                            is_open = is_open && stream.write_all(&frame).is_ok();
                            left.fetch_sub(frame.len(), Ordering::Relaxed);
                        }
                        Out::Flush(done) => drop(done.send(())),
                    }
                }
            })?;
        Ok(Self(Arc::new(Shared {
            frames,
            waiting,
            asked: Mutex::default(),
            next: AtomicU64::new(0),
        })))
    }

    /// Sends a message that wants no answer.
    pub(super) fn tell(&self, message: &Message) {
        #[expect(clippy::expect_used, reason = "texts and numbers are always JSON")]
        let json = serde_json::to_vec(message).expect("a message is JSON");
        let frame = frame::enclose(&json);
        self.0.waiting.fetch_add(frame.len(), Ordering::Relaxed);
        // The writer lives as long as this.
        let _ = self.0.frames.send(Out::Frame(frame));
    }

    /// Sends a line of a module's log, unless core is far behind with reading.
    pub(super) fn tell_log(&self, message: &Message) {
        if self.0.waiting.load(Ordering::Relaxed) < LOG_LIMIT {
            self.tell(message);
        }
    }

    /// Sends a request and waits for its result, two minutes at most.
    pub(super) async fn ask(&self, message: Message) -> Result<Message, AskError> {
        let seq = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.asked().insert(seq, answer);
        // Also if nobody waits any more.
        let _asked = Asked { link: self, seq };
        self.tell(&Message {
            seq: Some(seq),
            ..message
        });
        let result = tokio::time::timeout(ANSWER_LIMIT, answered).await;
        let result = result
            .map_err(|_| AskError::Timeout)?
            .map_err(|_| AskError::Timeout)?;
        match &result.error {
            None => Ok(result),
            Some(class) => {
                let text = result.payload.as_deref().unwrap_or_default();
                Err(AskError::Remote(format!("{text} ({class})")))
            }
        }
    }

    /// Takes a result from core. One that nobody waits for is let go.
    pub(super) fn answered(&self, result: Message) {
        debug_assert_eq!(result.cmd, Command::Result);
        let answer = result.seq.and_then(|seq| self.asked().remove(&seq));
        if let Some(answer) = answer {
            let _ = answer.send(result);
        }
    }

    /// Waits until everything is written that was told before, `limit` at most.
    pub(super) fn flush(&self, limit: Duration) {
        let (done, written) = mpsc::channel();
        let _ = self.0.frames.send(Out::Flush(done));
        let _ = written.recv_timeout(limit);
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Message>>> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is out.
struct Asked<'a> {
    link: &'a Link,
    seq: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.link.asked().remove(&self.seq);
    }
}
