//! A module's log lines, passed on to the slot's own log.

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What an operator may want to know.
    Info,
    /// What an operator should look at.
    Warn,
    /// What needs mending.
    Error,
}

/// Where a module's log lines go.
pub trait Log: Send + Sync {
    /// One line, with named values.
    fn log(&self, level: Level, message: &str, fields: &[(String, String)]);
}

/// The slot's own log, by `tracing`.
#[derive(Debug, Default)]
pub struct Tracing;

impl Log for Tracing {
    fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let fields = Fields(fields);
        match level {
            Level::Debug => tracing::debug!(target: "driver", %fields, "{message}"),
            Level::Info => tracing::info!(target: "driver", %fields, "{message}"),
            Level::Warn => tracing::warn!(target: "driver", %fields, "{message}"),
            Level::Error => tracing::error!(target: "driver", %fields, "{message}"),
        }
    }
}

/// `name=value name=value`: `tracing` wants the names of fields at compile time, a module has its own.
struct Fields<'a>(&'a [(String, String)]);

impl std::fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{name}={}", value.escape_debug())?;
        }
        Ok(())
    }
}
