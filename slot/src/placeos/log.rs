//! A module's log: lines on standard output, which core passes on, and to core while somebody debugs.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use placeos_wire::{Command, Message};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::link::Link;
use crate::escape::EscapingJson;
use crate::host::log::{Level, Log};

/// Says in which form lines are written: `JSON`, or for people.
const FORMAT: &str = "PLACE_LOG_FORMAT";

/// Severities of PlaceOS, which debuggers know by their numbers, and the level that none reaches.
pub(super) const LEVELS: [&str; 8] = [
    "trace", "debug", "info", "notice", "warn", "error", "fatal", "none",
];
const ERROR: u8 = 5;

/// The log of one module.
pub(super) struct ModuleLog {
    module: String,
    link: Link,
    /// The least severity that is written.
    least: AtomicU8,
    /// Somebody watches, by way of core.
    is_watched: AtomicBool,
    is_json: bool,
}

impl ModuleLog {
    /// Writes errors only, until it is told otherwise.
    pub(super) fn new(module: String, link: Link) -> Self {
        let format = std::env::var(FORMAT);
        Self {
            module,
            link,
            least: AtomicU8::new(ERROR),
            is_watched: AtomicBool::new(false),
            is_json: format.map_or(true, |format| format.eq_ignore_ascii_case("JSON")),
        }
    }

    /// Takes the setting `persistent_log_level`; what is no level of PlaceOS is as good as none.
    pub(super) fn set_least(&self, level: Option<&Value>) {
        let level = level.and_then(Value::as_str);
        let severity = LEVELS.iter().position(|known| Some(*known) == level);
        let severity = severity.and_then(|severity| u8::try_from(severity).ok());
        self.least
            .store(severity.unwrap_or(ERROR), Ordering::Relaxed);
    }

    /// Whether every line goes to core too.
    pub(super) fn watch(&self, is_watched: bool) {
        self.is_watched.store(is_watched, Ordering::Relaxed);
    }

    fn write(&self, severity: u8, message: &str, fields: &[(String, String)]) {
        let level = LEVELS[usize::from(severity)].to_uppercase();
        let now = OffsetDateTime::now_utc()
            .format(&Rfc3339)
            .unwrap_or_default();
        let line = if self.is_json {
            let mut line = Map::new();
            for (name, value) in fields {
                line.insert(name.clone(), value.as_str().into());
            }
            // What the slot says of a line is not the module's to forge.
            line.insert("level".to_owned(), level.into());
            line.insert("time".to_owned(), now.into());
            line.insert("source".to_owned(), self.module.as_str().into());
            line.insert("message".to_owned(), message.into());
            Value::from(line).to_string()
        } else {
            let initial = &level[..1];
            let source = &self.module;
            let text = text(message, fields);
            format!("level=[{initial}] time={now} source={source} message={text:?}")
        };
        // Core may have closed it; there is nobody to tell.
        let _ = writeln!(EscapingJson(std::io::stdout().lock()), "{line}");
    }
}

impl Log for ModuleLog {
    fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let severity = match level {
            Level::Debug => 1,
            Level::Info => 2,
            Level::Warn => 4,
            Level::Error => ERROR,
        };
        let is_watched = self.is_watched.load(Ordering::Relaxed);
        if is_watched {
            self.link.tell_log(&Message {
                id: self.module.clone(),
                cmd: Command::Debug,
                payload: Some(json!([severity, text(message, fields)]).to_string()),
                ..Message::default()
            });
        }
        if is_watched || severity >= self.least.load(Ordering::Relaxed) {
            self.write(severity, message, fields);
        }
    }
}

/// The message with its values behind it.
fn text(message: &str, fields: &[(String, String)]) -> String {
    let mut text = message.to_owned();
    for (name, value) in fields {
        text.push_str(&format!(" {name}={value}"));
    }
    text
}
