//! What the component can do.

use std::hint::black_box;

use crate::{floods, orders};

/// What an export says to whoever called it.
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Said {
    fn of(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// How many of its calls the slot refused.
    fn refused(count: usize) -> Self {
        Self {
            body: count.to_string(),
            ..Self::of(200)
        }
    }

    fn header(name: &str, value: &str) -> Self {
        Self {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..Self::of(200)
        }
    }
}

/// Does what is to be done in the export `place`.
pub(crate) async fn act(place: &str) -> Said {
    match orders::deed_in(place).as_str() {
        "" | "return" => Said::of(200),
        "loop" => loop {
            black_box(());
        },
        "draw for ever" => loop {
            floods::random(16);
        },
        "trap" => std::arch::wasm32::unreachable(),
        "hang" => std::future::pending().await,
        "yield" => loop {
            wit_bindgen::yield_async().await;
        },
        "eat memory" => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "flood the log" => {
            floods::log();
            Said::of(200)
        }
        "write a long line" => {
            floods::long_line();
            Said::of(200)
        }
        "flood the status" => {
            floods::status();
            Said::of(200)
        }
        "make many status keys" => {
            floods::status_keys();
            Said::of(200)
        }
        "commit at once" => Said::refused(floods::commits_at_once().await),
        "forsake commits" => Said::refused(floods::forsaken_commits()),
        "store huge values" => Said::refused(floods::huge_values().await),
        "store a huge commit" => Said::refused(floods::huge_commit().await),
        "scan for ever" => floods::scans_for_ever().await,
        "post at once" => Said::refused(floods::posts_at_once().await),
        "post huge bodies" => Said::refused(floods::huge_bodies().await),
        "unlock at once" => Said::refused(floods::unlocks_at_once().await),
        "save settings" => Said::refused(floods::settings().await),
        "sleep at once" => floods::sleeps_at_once().await,
        "draw a megabyte" => {
            floods::random(1 << 20);
            Said::of(200)
        }
        "answer status 99" => Said::of(99),
        "answer two lines" => Said::header("X-Nonsense", "a\r\nSet-Cookie: b"),
        "answer a name with a space" => Said::header("no name", "a"),
        "answer with a length" => Said::header("Content-Length", "1000000"),
        "answer 16 MB" => Said {
            body: "x".repeat(16 << 20),
            ..Said::of(200)
        },
        "answer 100 MB" => Said {
            body: "x".repeat(100 << 20),
            ..Said::of(200)
        },
        _ => std::arch::wasm32::unreachable(),
    }
}
