//! The settings that a module may save.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;

use super::bucket::{Bucket, Rate};
use crate::host::Answer;
use crate::host::clock::Clock;
use crate::host::settings::Settings;

/// Bytes of values. The driver saves all subscriptions after each change of them: when a thousand of the
/// usual length are made in a row, that is 75 MB.
const RATE: Rate = Rate {
    burst: 256 << 20,
    per_second: 4 << 20,
};
/// Bytes of a value: a thousand of the longest subscriptions are 3 MB.
const VALUE: usize = 4 << 20;

/// Settings within their bounds.
pub(super) struct BoundedSettings {
    settings: Arc<dyn Settings>,
    clock: Arc<dyn Clock>,
    bucket: Mutex<Bucket>,
}

impl BoundedSettings {
    pub(super) fn new(settings: Arc<dyn Settings>, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            clock,
            bucket: Mutex::new(Bucket::new(RATE)),
        }
    }

    fn over_limit(&self, bytes: usize) -> Option<&'static str> {
        if bytes > VALUE {
            return Some("the value is too large");
        }
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = bucket.take(bytes, self.clock.elapsed());
        (!fits).then_some("the module saves its settings too often")
    }
}

impl Settings for BoundedSettings {
    fn save(&self, name: String, json: String) -> Answer<Result<(), String>> {
        match self.over_limit(name.len() + json.len()) {
            Some(why) => async { Err(why.to_owned()) }.boxed(),
            None => self.settings.save(name, json),
        }
    }
}
