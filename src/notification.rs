//! What a subscriber gets: the body, its signatures, the headers.

use std::time::Duration;

use serde::Serialize;

use crate::door::DoorEvent;
use crate::host::Post;
use crate::record;
use crate::subscription::{Secret, Subscription};

/// How long an attempt may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// An event as subscribers get it, the same for all who have the same secret.
///
/// The body is today's, its `signature` of the timestamp included. The headers are those of Standard
/// Webhooks and give what that signature cannot: the body is covered, and `webhook-id` is the same
/// on every attempt, so that a receiver can drop duplicates.
#[derive(Clone)]
pub struct Notification {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Notification {
    /// Of `event`, attempted at the second `seconds` since 1970, UTC.
    pub fn new(secret: Option<&Secret>, event: &DoorEvent, event_id: &str, seconds: u64) -> Self {
        let signer = secret.map(Secret::signer);
        let timestamp = event.timestamp.to_string();
        let body = record::text(&Body {
            door_id: event.door_id.as_str(),
            timestamp: &timestamp,
            signature: signer.map(|signer| signer.signature(&timestamp)),
            action: event.action.as_str(),
            card_id: event.card_id.as_deref(),
            user_name: event.user_name.as_deref(),
            user_email: event.user_email.as_deref(),
        });
        let seconds = seconds.to_string();
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("webhook-id", event_id.to_owned()),
            ("webhook-timestamp", seconds.clone()),
        ];
        if let Some(signer) = signer {
            headers.push((
                "webhook-signature",
                signer.webhook_signature(event_id, &seconds, &body),
            ));
        }
        Self { headers, body }
    }

    /// The POST that takes it to one of them.
    pub fn to(self, subscription: &Subscription) -> Post {
        Post {
            url: subscription.url.as_str().to_owned(),
            headers: self.headers,
            body: self.body,
            timeout: TIMEOUT,
        }
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
