//! What was searched, for the line that tells it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::needles::Needles;

static SECRETS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// Searches all of the output for all of the secrets.
///
/// # Panics
///
/// One is there.
pub(crate) fn searched(needles: &Needles, output: &[&[u8]]) {
    for output in output {
        if let Some(found) = needles.find(output) {
            panic!("{found}");
        }
        BYTES.fetch_add(output.len(), Ordering::Relaxed);
    }
    SECRETS.fetch_add(needles.count(), Ordering::Relaxed);
}

/// How many secrets were searched in how many bytes, in all.
pub(crate) fn count() -> (usize, usize) {
    (
        SECRETS.load(Ordering::Relaxed),
        BYTES.load(Ordering::Relaxed),
    )
}
