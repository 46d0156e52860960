//! Secrets that are made for a test.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::needles::Needles;

/// Makes secrets, and keeps them to be searched.
#[derive(Default)]
pub(crate) struct Secrets(pub(crate) Needles);

impl Secrets {
    /// Twenty characters as of a URL; the same for the same name.
    pub(crate) fn token(&mut self, name: &str) -> String {
        self.keep(BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(name)[..15]))
    }

    /// Digits.
    pub(crate) fn number(&mut self, name: &str) -> u64 {
        let digest = Sha256::digest(name);
        let number = u64::from_be_bytes(*digest.first_chunk().unwrap());
        // Of those that each reader of JSON reads alike.
        let number = 4_000_000_000_000_000 + number % 4_000_000_000_000_000;
        self.keep(number.to_string());
        number
    }

    /// A key as Standard Webhooks writes it.
    pub(crate) fn whsec(&mut self, name: &str) -> String {
        let key = Sha256::digest(name);
        let encoded = self.keep(BASE64_STANDARD.encode(key));
        self.0.add(&hex::encode(key));
        format!("whsec_{encoded}")
    }

    /// What is to be searched too.
    pub(crate) fn keep(&mut self, secret: String) -> String {
        self.0.add(&secret);
        secret
    }
}
