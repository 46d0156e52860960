//! Secrets of every form that a subscriber may choose.

use serde::Deserialize;

/// The libraries of Standard Webhooks judge what they sign; tests in JavaScript read the same file.
const SECRETS: &str = include_str!("../secrets.json");

/// A secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// What is special about it.
    pub about: String,
    /// Text, or `whsec_` and base64.
    pub secret: String,
}

impl Secret {
    /// Whether a receiver's key is the text's bytes, and not what is behind the prefix.
    pub fn is_text(&self) -> bool {
        !self.secret.starts_with("whsec_")
    }
}

/// All of them.
pub fn secrets() -> Vec<Secret> {
    serde_json::from_str(SECRETS).expect("the file holds secrets")
}
