//! Who is told of door events.

use std::fmt;
use std::rc::Rc;

use serde_json::Value;
use url::{ParseError, Url};
use zeroize::Zeroizing;

use crate::key::Key;
use crate::signer::Signer;

/// The address of a subscriber: an absolute URL with a host, at most 2,048 bytes as it came and as
/// it is written in ASCII.
///
/// Two texts are the same address when they parse to the same URL: `HTTPS://Host:443/a` is
/// `https://host/a`. A fragment is never sent, so it is not part of it. Whether a POST may go there
/// is the egress rule's matter.
///
/// Rhombus' path is a bearer token: `Display` shortens it, [`as_str`](Self::as_str) does not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberUrl(Url);

impl SubscriberUrl {
    /// The longest address, in bytes.
    pub const MAX_BYTES: usize = 2048;

    /// Reads an address, or says in a few words what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > Self::MAX_BYTES {
            return Err("is longer than 2048 bytes");
        }
        let mut url = Url::parse(text).map_err(|error| match error {
            ParseError::IdnaError => {
                "has a host that is no name; write an international one in its xn-- form"
            }
            _ => "is not an absolute URL",
        })?;
        if !url.has_host() {
            return Err("has no host");
        }
        url.set_fragment(None);
        // As it is stored and read again: `é` has become `%C3%A9`.
        if url.as_str().len() > Self::MAX_BYTES {
            return Err("is longer than 2048 bytes");
        }
        Ok(Self(url))
    }

    /// The whole address: for the POST and the store, never for a log.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The parsed URL.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for SubscriberUrl {
    /// Scheme, host and the last four characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.0[..url::Position::AfterPort];
        let rest = &self.0[url::Position::AfterPort..];
        let tail = rest
            .char_indices()
            .rev()
            .nth(3)
            .map_or("", |(start, _)| &rest[start..]);
        let bare = origin.find("://").map_or(origin, |end| &origin[end + 3..]);
        // What precedes the host is user-info, which is a secret too.
        let host = bare.rsplit('@').next().unwrap_or(bare);
        write!(
            f,
            "{}://{host}/…{}",
            self.0.scheme(),
            tail.trim_start_matches('/')
        )
    }
}

impl fmt::Debug for SubscriberUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubscriberUrl({self})")
    }
}

/// What signs the POSTs to a subscriber: text that is not blank, at most 1,024 bytes. Wiped when
/// the last of its clones is dropped, and not shown by `Debug`.
#[derive(Clone)]
pub struct Secret(Rc<Parts>);

struct Parts {
    text: Zeroizing<String>,
    signer: Signer,
}

impl Secret {
    /// The longest secret, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Reads a JSON value as a secret. Absent, `null` and blank text are none (as for today's
    /// driver); a number is taken as its text.
    pub fn from_json(value: Option<&Value>) -> Result<Option<Self>, &'static str> {
        let text = match value {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => Zeroizing::new(text.clone()),
            Some(Value::Number(number)) => Zeroizing::new(number.to_string()),
            Some(_) => return Err("is not text"),
        };
        if text.len() > Self::MAX_BYTES {
            return Err("is longer than 1024 bytes");
        }
        Ok((!text.trim().is_empty()).then(|| {
            let signer = Signer::new(&text);
            Self(Rc::new(Parts { text, signer }))
        }))
    }

    /// The secret itself, for the store.
    pub fn expose(&self) -> &str {
        &self.0.text
    }

    /// What it signs with.
    pub(crate) fn signer(&self) -> &Signer {
        &self.0.signer
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A subscription's name within its module; deliveries refer to it. A URL that is subscribed again
/// after it was removed gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub Key);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A subscriber and how its POSTs are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its name.
    pub id: SubscriptionId,
    /// Where POSTs go.
    pub url: SubscriberUrl,
    /// What signs them.
    pub secret: Option<Secret>,
    /// Why the egress rule lets nothing go there, if so.
    pub refused: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_token_and_without_user_info() {
        for (text, shown) in [
            (
                "https://webhooks.rhombussystems.com/external/placeOsWebhook/abcdef1234",
                "https://webhooks.rhombussystems.com/…1234",
            ),
            (
                "https://user:password@host.example:8443/tokentoken",
                "https://host.example:8443/…oken",
            ),
            ("https://host.example/", "https://host.example/…"),
            (
                "https://host.example/hook?key=sécrét",
                "https://host.example/…%A9t",
            ),
        ] {
            let url = SubscriberUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("SubscriberUrl({shown})"));
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::from_json(Some(&Value::from("123456")))
            .unwrap()
            .unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.expose(), "123456");
    }
}
