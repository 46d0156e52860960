//! Settings that a module itself writes.

use super::Answer;

/// Where a module's own settings are kept. The slot has checked `name` against the manifest.
pub trait Settings: Send + Sync {
    /// Keeps `json` under `name`; it comes back with the next settings.
    fn save(&self, name: String, json: String) -> Answer<Result<(), String>>;
}
