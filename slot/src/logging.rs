//! The slot's own log: to stderr, for people on a terminal, as JSON everywhere else.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::layer::SubscriberExt;

use crate::escape::{Escaping, EscapingJson};

/// The variable that says how much is logged, in the form that `RUST_LOG` made known:
/// `debug`, `warn,driver=debug`. Without it, `info`.
pub const FILTER: &str = "PLACEOS_SLOT_LOG";

/// [`FILTER`] holds something else.
#[derive(Debug, thiserror::Error)]
#[error("{FILTER} is no log filter ({0}); write for example: info, or warn,driver=debug")]
pub struct FilterError(#[from] tracing_subscriber::filter::ParseError);

/// Begins logging. To be called once, first of all.
///
/// # Errors
///
/// If [`FILTER`] cannot be read.
pub fn start() -> Result<(), FilterError> {
    let filter = std::env::var(FILTER).unwrap_or_else(|_| "info".to_owned());
    let filter: Targets = filter.parse()?;
    // Fails only if there is a log already, which is as good.
    let _ = if io::stderr().is_terminal() {
        tracing::subscriber::set_global_default(human(filter, io::stderr))
    } else {
        tracing::subscriber::set_global_default(json(filter, io::stderr))
    };
    Ok(())
}

fn human<W>(filter: Targets, to: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // The fields of a line hold text from outside: what of it could forge a line or steer the
    // terminal is escaped here, once for all.
    let fields = debug_fn(|writer, field, value| match field.name() {
        "message" => write!(Escaping(writer), "{value:?}"),
        name => write!(Escaping(writer), "{name}={value:?}"),
    });
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(to)
        .fmt_fields(fields.delimited(" "));
    lines.finish().with(filter)
}

fn json<W>(filter: Targets, to: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(LevelFilter::TRACE)
        .with_writer(Harmless(to));
    lines.finish().with(filter)
}

/// Makes writers that escape what is harmful.
struct Harmless<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Harmless<W> {
    type Writer = EscapingJson<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        EscapingJson(self.0.make_writer())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Memory {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn logged<S: Subscriber + Send + Sync>(
        format: impl FnOnce(Targets, Box<dyn Fn() -> Memory + Send + Sync>) -> S,
    ) -> String {
        let memory = Memory::default();
        let to = memory.clone();
        let subscriber = format("info".parse().unwrap(), Box::new(move || to.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let name = "Ann\nERROR forged\u{1b}[2J\u{9b}2J\u{202e}";
            tracing::info!(door = 7, name, %name, "a swipe by {name}");
            tracing::debug!("too much");
        });
        memory.text()
    }

    #[test]
    fn a_line_for_people_is_one_line_whatever_is_in_it() {
        let text = logged(human);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.contains(r"a swipe by Ann\nERROR forged\u{1b}[2J\u{9b}2J\u{202e}"),
            "{text}"
        );
        assert!(text.contains("door=7"), "{text}");
        for harmful in ["\u{1b}[2J", "\u{9b}", "\u{202e}"] {
            assert!(!text.contains(harmful), "{text}");
        }
    }

    #[test]
    fn elsewhere_a_line_is_json() {
        let text = logged(json);
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        let message = "a swipe by Ann\nERROR forged\u{1b}[2J\u{9b}2J\u{202e}";
        assert_eq!(line["message"], message);
        for harmful in ["\u{1b}", "\u{9b}", "\u{202e}"] {
            assert!(!text.contains(harmful), "{text}");
        }
        assert_eq!(line["door"], 7);
        assert_eq!(line["level"], "INFO");
    }
}
