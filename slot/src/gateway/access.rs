//! What a caller must know: made at the first start, kept in the data folder, told in a file while
//! the gateway runs.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Site;
use super::webhook::{FUNCTION, TRIGGER};
use crate::host::random::{Random, SystemRandom};
use crate::private_file::{self, PrivateFileError};

/// A secret that callers show. It can stand in a URL as it is.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Key(Zeroizing<String>);

/// A text that is no key.
#[derive(Debug, thiserror::Error)]
#[error("a key is 32 to 128 of the characters A-Z, a-z, 0-9, _ and -")]
pub struct MalformedKey;

impl Key {
    fn random() -> Self {
        let bytes = Zeroizing::new(SystemRandom.bytes(32));
        Self(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(&*bytes)))
    }

    /// Whether `given` is this key; takes the same time for every wrong one of its length.
    pub fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// The key itself, for those who may see it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Key {
    type Error = MalformedKey;

    fn try_from(text: String) -> Result<Self, MalformedKey> {
        let text = Zeroizing::new(text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (32..=128).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err(MalformedKey)
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The keys of a gateway.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// Part of the webhook's URL.
    pub webhook_secret: Key,
    /// For sending door events, and nothing else.
    pub event_key: Key,
    /// For operators.
    pub admin_key: Key,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It is there and holds something else.
    #[error(
        "{} does not hold the gateway's keys (line {line}); mend it, or move it away to get new keys",
        path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where in it, from 1.
        line: usize,
    },
}

impl Keys {
    /// The keys in `folder`, made now if there are none.
    ///
    /// # Errors
    ///
    /// If `keys.json` cannot be read or written, may be read by others, or holds something else.
    pub fn of(folder: &Path) -> Result<Keys, KeysError> {
        let path = folder.join("keys.json");
        if let Some(text) = private_file::read(&path)? {
            return serde_json::from_str(&text).map_err(|error| KeysError::Malformed {
                path,
                line: error.line(),
            });
        }
        let keys = Keys {
            webhook_secret: Key::random(),
            event_key: Key::random(),
            admin_key: Key::random(),
        };
        private_file::write(&path, &secret_json(&keys.revealed()))?;
        Ok(keys)
    }

    fn revealed(&self) -> RevealedKeys<'_> {
        RevealedKeys {
            webhook_secret: self.webhook_secret.reveal(),
            event_key: self.event_key.reveal(),
            admin_key: self.admin_key.reveal(),
        }
    }
}

#[derive(Serialize)]
struct RevealedKeys<'a> {
    webhook_secret: &'a str,
    event_key: &'a str,
    admin_key: &'a str,
}

/// `access.json`: all that a script needs to use the gateway. It exists while the gateway runs.
#[derive(Debug)]
pub struct Access {
    path: PathBuf,
}

impl Access {
    /// Removes what a gateway that was killed has left in `folder`, so that nobody takes it for
    /// this one's.
    ///
    /// # Errors
    ///
    /// If it is there and cannot be removed.
    pub fn withdraw_stale(folder: &Path) -> io::Result<()> {
        match fs::remove_file(Self::path(folder)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes it into `folder`; it is removed when the value is dropped.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn publish(
        folder: &Path,
        listen: SocketAddr,
        site: &Site,
    ) -> Result<Access, PrivateFileError> {
        let urls = webhook_urls(listen, site);
        let access = Access {
            path: Self::path(folder),
        };
        let content = AccessContent {
            listen,
            webhook_urls: [&urls[0], &urls[1]],
            event_key: site.keys.event_key.reveal(),
            admin_key: site.keys.admin_key.reveal(),
        };
        private_file::write(&access.path, &secret_json(&content))?;
        Ok(access)
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("access.json")
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "cannot remove access.json");
        }
    }
}

#[derive(Serialize)]
struct AccessContent<'a> {
    listen: SocketAddr,
    webhook_urls: [&'a str; 2],
    event_key: &'a str,
    admin_key: &'a str,
}

/// The webhook's URL in its two forms, with a query and with a path only; a secret, both of them.
pub fn webhook_urls(listen: SocketAddr, site: &Site) -> [Zeroizing<String>; 2] {
    let module = &site.module;
    let secret = site.keys.webhook_secret.reveal();
    let notify = format!("{}/api/engine/v2/webhook/{TRIGGER}/notify", origin(listen));
    [
        format!("{notify}?secret={secret}&exec=true&mod={module}&method={FUNCTION}").into(),
        format!("{notify}/{secret}/{module}/1/{FUNCTION}").into(),
    ]
}

/// Where a client on this machine reaches a server that listens at `listen`.
pub fn origin(listen: SocketAddr) -> String {
    let mut reached = listen;
    if listen.ip().is_unspecified() {
        reached.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{reached}")
}

fn secret_json(value: &impl Serialize) -> Zeroizing<String> {
    #[expect(clippy::expect_used, reason = "texts and addresses are JSON")]
    let json = serde_json::to_string_pretty(value).expect("texts and addresses are JSON");
    Zeroizing::new(json + "\n")
}

#[cfg(test)]
mod tests {
    use super::super::Hosts;
    use super::*;

    #[test]
    fn keys_are_made_once_and_differ() {
        let folder = tempfile::tempdir().unwrap();
        let made = Keys::of(folder.path()).unwrap();
        let read = Keys::of(folder.path()).unwrap();
        assert!(
            read.webhook_secret
                .is(made.webhook_secret.reveal().as_bytes())
        );
        assert!(read.event_key.is(made.event_key.reveal().as_bytes()));
        assert!(read.admin_key.is(made.admin_key.reveal().as_bytes()));
        assert_ne!(made.event_key.reveal(), made.admin_key.reveal());
        assert_ne!(made.event_key.reveal(), made.webhook_secret.reveal());
        assert_eq!(made.webhook_secret.reveal().len(), 43);
    }

    #[test]
    fn a_key_is_only_its_whole_self() {
        let key = Key::random();
        let text = key.reveal();
        assert!(key.is(text.as_bytes()));
        assert!(!key.is(b""));
        assert!(!key.is(&text.as_bytes()[1..]));
        assert!(!key.is(format!("{text}A").as_bytes()));
        assert!(!key.is(text.to_lowercase().to_uppercase().as_bytes()));
        assert_eq!(format!("{key:?}"), "Key(…)");
    }

    #[test]
    fn a_file_with_something_else_is_kept_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        for text in [
            "",
            "\"my-secret\"",
            r#"{"webhook_secret":"","event_key":"","admin_key":""}"#,
            r#"{"webhook_secret":"my-secret","event_key":"my-secret","admin_key":"my-secret"}"#,
        ] {
            private_file::write(&path, text).unwrap();
            let error = Keys::of(folder.path()).unwrap_err();
            assert!(matches!(error, KeysError::Malformed { .. }), "{error}");
            assert!(!error.to_string().contains("my-secret"), "{error}");
            assert_eq!(private_file::read(&path).unwrap().unwrap().as_str(), text);
        }
    }

    #[test]
    fn access_json_lives_as_long_as_the_gateway() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site {
            module: "Rhombus".to_owned(),
            channel: "security/event/door".to_owned(),
            keys: Keys::of(folder.path()).unwrap(),
            hosts: Hosts::default(),
        };
        let keys = &site.keys;
        let listen = "127.0.0.1:8080".parse().unwrap();

        let access = Access::publish(folder.path(), listen, &site).unwrap();
        let path = folder.path().join("access.json");
        let text = private_file::read(&path).unwrap().unwrap();
        let content: serde_json::Value = serde_json::from_str(&text).unwrap();
        let secret = keys.webhook_secret.reveal();
        let notify = "http://127.0.0.1:8080/api/engine/v2/webhook/trig-rhombus/notify";
        assert_eq!(
            content,
            serde_json::json!({
                "listen": "127.0.0.1:8080",
                "webhook_urls": [
                    format!("{notify}?secret={secret}&exec=true&mod=Rhombus&method=request"),
                    format!("{notify}/{secret}/Rhombus/1/request"),
                ],
                "event_key": keys.event_key.reveal(),
                "admin_key": keys.admin_key.reveal(),
            })
        );

        drop(access);
        assert!(!path.exists());
        fs::write(&path, "stale").unwrap();
        Access::withdraw_stale(folder.path()).unwrap();
        assert!(!path.exists());
        Access::withdraw_stale(folder.path()).unwrap();
    }

    #[test]
    fn a_server_that_listens_everywhere_is_reached_here() {
        let origin = |text: &str| origin(text.parse().unwrap());
        assert_eq!(origin("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(origin("[::]:80"), "http://[::1]:80");
        assert_eq!(origin("192.0.2.7:8080"), "http://192.0.2.7:8080");
    }
}
