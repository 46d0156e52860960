//! The slot's own log, kept to be looked at.

use std::io;
use std::sync::Mutex;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Kept;

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep it.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::ERROR)
        .with_writer(|| Kept)
        .init();
}

/// Whether an error was logged of the module `name` that says `what`.
pub(crate) fn has(name: &str, what: &str) -> bool {
    let lines = LINES.lock().unwrap();
    let lines = String::from_utf8_lossy(&lines);
    let name = serde_json::json!(name).to_string();
    lines
        .lines()
        .any(|line| line.contains(&name) && line.contains(what))
}
