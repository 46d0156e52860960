//! What a subscriber gets.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rhombus_driver::host::Post;
use serde::Deserialize;
use sha2::Sha256;

use super::{Law, Verdict};
use crate::event::Event;
use crate::fact::Fact;
use crate::ledger::Ledger;
use crate::time::Moment;

pub(super) struct Request;

impl Law for Request {
    fn rule(&self) -> &'static str {
        "every attempt of an event has its one webhook-id, the body of design §4 to the letter, and \
         both signatures by the secret of that moment"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        let Fact::Attempt {
            attempt,
            instance,
            post,
        } = fact
        else {
            return Ok(());
        };
        let attempt = ledger.attempt(*attempt);
        let id = header(post, "webhook-id").unwrap_or_default();
        let test;
        let event = match attempt.event {
            Some(event) => &ledger.events[event.0],
            None if attempt.is_test => {
                test = Event::test(id, now.wall / 1000);
                &test
            }
            None => return Err(format!("nobody had offered this: {}", post.body)),
        };
        if event.name() != Some(id) {
            return Err(format!("{:?} was sent as {id}", event.name()));
        }
        let seconds = (now.wall / 1000).to_string();
        if header(post, "webhook-timestamp") != Some(&seconds) {
            return Err(format!("the webhook-timestamp at {seconds} is another"));
        }
        if header(post, "Content-Type") != Some("application/json") {
            return Err("the body is not said to be JSON".to_owned());
        }
        let times = event.times();
        if !ledger.owns(*instance) {
            // One that was taken over from may know an old secret.
            let body: Body = serde_json::from_str(&post.body).map_err(|error| error.to_string())?;
            let signature = body.signature.as_deref();
            let is_body = |time: &String| event.body(time, signature) == post.body;
            return match times.iter().any(is_body) {
                true => Ok(()),
                false => Err(format!("the body is {}", post.body)),
            };
        }
        let secrets = ledger.book.secrets(&attempt.url);
        let is_right = |secret: &Option<&str>| {
            header(post, "webhook-signature").map(str::to_owned)
                == secret.map(|secret| header_signature(secret, id, &seconds, &post.body))
                && times.iter().any(|time| {
                    let signature = secret.map(|secret| body_signature(secret, time));
                    event.body(time, signature.as_deref()) == post.body
                })
        };
        if secrets.iter().any(is_right) {
            return Ok(());
        }
        Err(format!(
            "{} got {:?} with {}, and none of the secrets {secrets:?} makes it right",
            attempt.url, post.headers, post.body
        ))
    }
}

#[derive(Deserialize)]
struct Body {
    signature: Option<String>,
}

fn header<'a>(post: &'a Post, name: &str) -> Option<&'a str> {
    let mut headers = post.headers.iter();
    headers
        .find(|(given, _)| *given == name)
        .map(|(_, value)| value.as_str())
}

/// The body's member `signature`.
fn body_signature(secret: &str, time: &str) -> String {
    hex::encode(hmac(secret.as_bytes(), time))
}

/// The header `webhook-signature`, as Standard Webhooks have it.
fn header_signature(secret: &str, id: &str, seconds: &str, body: &str) -> String {
    let key = match secret.strip_prefix("whsec_") {
        Some(encoded) => BASE64_STANDARD.decode(encoded).unwrap_or_default(),
        None => secret.as_bytes().to_vec(),
    };
    let mac = hmac(&key, &format!("{id}.{seconds}.{body}"));
    format!("v1,{}", BASE64_STANDARD.encode(mac))
}

fn hmac(key: &[u8], message: &str) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().into()
}
