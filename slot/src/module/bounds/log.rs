//! The log that a module may write: cut lines, and not too many of them.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use super::bucket::{Bucket, Rate};
use super::text::clipped;
use crate::host::clock::Clock;
use crate::host::log::{Level, Log};

/// Bytes of lines. The driver writes most when a thousand receivers go away at once: eight lines of 200
/// bytes for each, and then one in a minute.
const RATE: Rate = Rate {
    burst: 4 << 20,
    per_second: 32 << 10,
};
/// What a line costs beside its text: the time, the level, the module.
const OVERHEAD: usize = 128;
/// Bytes of a message. The longest of the driver's has a few hundred.
const MESSAGE: usize = 4096;
/// Fields of a line. The driver's have three at most.
const FIELDS: usize = 16;
/// Bytes of a field's name, and of its value.
const NAME: usize = 64;
const VALUE: usize = 1024;

/// A log within its bounds.
pub(super) struct BoundedLog {
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    bucket: Bucket,
    dropped: u64,
}

impl BoundedLog {
    pub(super) fn new(log: Arc<dyn Log>, clock: Arc<dyn Clock>) -> Self {
        let state = Mutex::new(State {
            bucket: Bucket::new(RATE),
            dropped: 0,
        });
        Self { log, clock, state }
    }

    /// Whether a line of so many bytes may be written; if so, how many before it were not.
    fn admit(&self, bytes: usize) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.bucket.take(bytes, self.clock.elapsed()) {
            Some(std::mem::take(&mut state.dropped))
        } else {
            state.dropped += 1;
            None
        }
    }
}

impl Log for BoundedLog {
    fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let message = clipped(message, MESSAGE);
        let fields = clipped_fields(fields);
        let texts = fields.iter().map(|(name, value)| name.len() + value.len());
        let Some(dropped) = self.admit(OVERHEAD + message.len() + texts.sum::<usize>()) else {
            return;
        };
        if dropped > 0 {
            let lines =
                format!("the module wrote too much: {dropped} lines before this were dropped");
            self.log.log(Level::Warn, &lines, &[]);
        }
        self.log.log(level, &message, &fields);
    }
}

fn clipped_fields(fields: &[(String, String)]) -> Cow<'_, [(String, String)]> {
    let fits = |(name, value): &(String, String)| name.len() <= NAME && value.len() <= VALUE;
    if fields.len() <= FIELDS && fields.iter().all(fits) {
        return fields.into();
    }
    let clip = |(name, value): &(String, String)| {
        let (name, value) = (clipped(name, NAME), clipped(value, VALUE));
        (name.into_owned(), value.into_owned())
    };
    fields.iter().take(FIELDS).map(clip).collect()
}
