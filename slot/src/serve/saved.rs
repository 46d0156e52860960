//! The settings that the module itself writes, in `settings.json` in the data folder.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::host::Answer;
use crate::host::settings::Settings;
use crate::private_file::{self, PrivateFileError};

/// Settings kept in a file, which a crash leaves whole. Clones share it.
#[derive(Clone)]
pub(crate) struct SavedSettings(Arc<Shared>);

struct Shared {
    path: PathBuf,
    values: Mutex<Map<String, Value>>,
    /// Held while the file is replaced: two at once would leave the older values in it.
    writing: Mutex<()>,
}

/// Why there are no saved settings.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It is there and holds something else.
    #[error(
        "{} does not hold the driver's settings (line {line}); mend it or move it away",
        path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where in it, from 1.
        line: usize,
    },
}

impl SavedSettings {
    /// Those in `folder`.
    pub(crate) fn of(folder: &Path) -> Result<Self, SavedError> {
        let path = folder.join("settings.json");
        let values = match private_file::read(&path)? {
            None => Map::new(),
            Some(text) => serde_json::from_str(&text).map_err(|error| SavedError::Malformed {
                path: path.clone(),
                line: error.line(),
            })?,
        };
        Ok(Self(Arc::new(Shared {
            path,
            values: Mutex::new(values),
            writing: Mutex::new(()),
        })))
    }

    pub(crate) fn values(&self) -> Map<String, Value> {
        self.0.values().clone()
    }
}

impl Settings for SavedSettings {
    fn save(&self, name: String, json: String) -> Answer<Result<(), String>> {
        let Ok(value) = serde_json::from_str(&json) else {
            return Box::pin(async { Err("the value is not JSON".to_owned()) });
        };
        self.0.values().insert(name, value);
        let shared = self.0.clone();
        let written = tokio::task::spawn_blocking(move || shared.write());
        Box::pin(async move {
            match written.await {
                Ok(outcome) => outcome.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
    }
}

impl Shared {
    fn values(&self) -> std::sync::MutexGuard<'_, Map<String, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> Result<(), PrivateFileError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = Value::Object(self.values().clone()).to_string();
        private_file::write(&self.path, &text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_is_saved_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let saved = SavedSettings::of(folder.path()).unwrap();
        assert!(saved.values().is_empty());

        let answers = [1, 2, 3].map(|rev| saved.save("list".to_owned(), json!(rev).to_string()));
        for answer in answers {
            answer.await.unwrap();
        }
        saved
            .save("other".to_owned(), "{}".to_owned())
            .await
            .unwrap();

        let next = SavedSettings::of(folder.path()).unwrap();
        assert_eq!(
            Value::Object(next.values()),
            json!({"list": 3, "other": {}})
        );
    }

    #[tokio::test]
    async fn what_is_no_json_is_refused_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let saved = SavedSettings::of(folder.path()).unwrap();
        assert!(saved.save("list".to_owned(), "{".to_owned()).await.is_err());
        assert!(saved.values().is_empty());
        assert!(!folder.path().join("settings.json").exists());
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let saved = SavedSettings::of(&folder.path().join("gone")).unwrap();
        assert!(saved.save("list".to_owned(), "1".to_owned()).await.is_err());
    }

    #[test]
    fn a_file_with_something_else_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        private_file::write(&folder.path().join("settings.json"), "[]").unwrap();
        let error = SavedSettings::of(folder.path()).err().unwrap();
        assert!(matches!(error, SavedError::Malformed { .. }), "{error}");
    }
}
