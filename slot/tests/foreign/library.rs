//! The libraries of Standard Webhooks, each as a program that judges POSTs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Serialize;

use crate::repository;

/// A POST as a library takes it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Received {
    pub(crate) secret: String,
    /// The secret's bytes are the key; or else it is `whsec_` and base64.
    pub(crate) is_text: bool,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// A library.
pub(crate) struct Library {
    /// The language that it is for.
    pub(crate) name: &'static str,
    program: PathBuf,
    script: &'static str,
}

impl Library {
    /// Those that there are.
    pub(crate) fn all() -> [Self; 2] {
        [
            Self {
                name: "JavaScript",
                program: "node".into(),
                script: "tests/npm/standard-webhooks.mjs",
            },
            Self {
                name: "Python",
                program: repository().join("target/tools/python/bin/python"),
                script: "tests/python/standard_webhooks.py",
            },
        ]
    }

    /// Which of `posts` it accepts.
    pub(crate) fn accepted(&self, posts: &[&Received]) -> Vec<bool> {
        let mut child = Command::new(&self.program)
            .arg(repository().join(self.script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| self.is_missing(&error.to_string()));
        let mut input = child.stdin.take().unwrap();
        // It reads everything before it prints anything.
        let given = input.write_all(&serde_json::to_vec(posts).unwrap());
        drop(input);
        let output = child.wait_with_output().unwrap();
        if !output.status.success() || given.is_err() {
            self.is_missing("it fails");
        }
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn is_missing(&self, why: &str) -> ! {
        panic!(
            "the {} library cannot be asked ({why}); run: cargo xtask setup",
            self.name
        );
    }
}
