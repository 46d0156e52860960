//! What a subscriber gets: the body, its signatures, the headers.

use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::door::DoorEvent;
use crate::host::Post;
use crate::mac::hmac_sha256;
use crate::record;
use crate::subscription::{Secret, Subscription};

/// How long an attempt may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// The POST that tells `subscription` of `event`, attempted at `now` (milliseconds since 1970).
///
/// The body is today's, its `signature` of the timestamp included. The headers are those of Standard
/// Webhooks and give what that signature cannot: the body is covered, and `webhook-id` is the same
/// on every attempt, so that a receiver can drop duplicates.
pub fn post(subscription: &Subscription, event: &DoorEvent, event_id: &str, now: u64) -> Post {
    let secret = subscription.secret.as_ref();
    let timestamp = event.timestamp.to_string();
    let body = record::text(&Body {
        door_id: event.door_id.as_str(),
        timestamp: &timestamp,
        signature: secret.map(|secret| signature(secret, &timestamp)),
        action: event.action.as_str(),
        card_id: event.card_id.as_deref(),
        user_name: event.user_name.as_deref(),
        user_email: event.user_email.as_deref(),
    });
    let seconds = (now / 1000).to_string();
    let mut headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("webhook-id", event_id.to_owned()),
        ("webhook-timestamp", seconds.clone()),
    ];
    if let Some(secret) = secret {
        headers.push((
            "webhook-signature",
            webhook_signature(secret, event_id, &seconds, &body),
        ));
    }
    Post {
        url: subscription.url.as_str().to_owned(),
        headers,
        body,
        timeout: TIMEOUT,
    }
}

/// The keys in the order of today's driver; absent ones are left out.
#[derive(Serialize)]
struct Body<'a> {
    door_id: &'a str,
    timestamp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_email: Option<&'a str>,
}

/// The member `signature`: lower-case hex, keyed by the secret's bytes, of the timestamp's text.
fn signature(secret: &Secret, timestamp: &str) -> String {
    let key = secret.expose().as_bytes();
    hex::encode(hmac_sha256(key, &[timestamp.as_bytes()]))
}

/// The header `webhook-signature`, keyed by the secret's bytes, or by what `whsec_<base64>` decodes to.
fn webhook_signature(secret: &Secret, id: &str, seconds: &str, body: &str) -> String {
    let text = secret.expose();
    let decoded = text.strip_prefix("whsec_").and_then(decoded);
    let key = decoded
        .as_ref()
        .map_or(text.as_bytes(), |key| key.as_slice());
    let parts = [id, ".", seconds, ".", body].map(str::as_bytes);
    format!("v1,{}", Base64::encode_string(&hmac_sha256(key, &parts)))
}

/// What Base64 stands for; nothing if it is none, or stands for nothing: an empty key would be everybody's.
///
/// Standard Webhooks does not say more of it than "base64". Its libraries take a text without padding
/// too, and do not look at the bits that the last character has too many. Whoever verifies with one of
/// them must have the same key, so it is the same here.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bare = text.trim_end_matches('=');
    // One character more than whole blocks stands for less than a byte.
    if bare.is_empty() || bare.len() % 4 == 1 {
        return None;
    }
    // Zero bits that make it end with a whole block, which has neither padding nor bits too many.
    let filling = &"AA"[..bare.len().next_multiple_of(4) - bare.len()];
    let whole = Zeroizing::new([bare, filling].concat());
    let mut key = Base64::decode_vec(&whole).map(Zeroizing::new).ok()?;
    key.truncate(bare.len() * 3 / 4);
    Some(key)
}
