//! What a POST to a subscriber must be, by the contract and not by the driver's code.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use rhombus_replay::Post;
use serde_json::{Map, Value};
use sha2::Sha256;

/// The members of a body, in their order.
const MEMBERS: [&str; 7] = [
    "door_id",
    "timestamp",
    "signature",
    "action",
    "card_id",
    "user_name",
    "user_email",
];

/// How the libraries of Standard Webhooks decode a secret: with padding, without or with too much of it,
/// and whatever the bits are that the last character has too many.
const WHSEC: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

/// Checks that `post` is signed with `secret`, or with none, and answers its body.
pub(crate) fn verified(post: &Post, secret: Option<&str>) -> Map<String, Value> {
    let body: Map<String, Value> = match serde_json::from_str(&post.body) {
        Ok(body) => body,
        Err(error) => panic!("the body is no JSON object: {error}"),
    };
    check_order(&post.body, &body);
    let timestamp = text(&body, "timestamp");
    assert!(is_timestamp(timestamp), "{timestamp}");
    let action = text(&body, "action");
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    assert!(
        !action.is_empty() && action.bytes().all(is_plain),
        "{action}"
    );
    assert!(!text(&body, "door_id").trim().is_empty());

    let id = header(post, "webhook-id").unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    assert!(
        (1..=64).contains(&id.len()) && id.bytes().all(is_plain),
        "{id}"
    );
    let seconds = header(post, "webhook-timestamp").unwrap_or_default();
    assert!(seconds.parse::<u64>().is_ok(), "{seconds}");
    assert_eq!(header(post, "content-type"), Some("application/json"));

    let of_body = body.get("signature").and_then(Value::as_str);
    let of_all = header(post, "webhook-signature");
    let Some(secret) = secret else {
        assert!(
            !body.contains_key("signature") && of_all.is_none(),
            "signed without a secret"
        );
        return body;
    };
    let expected = hex::encode(hmac(secret.as_bytes(), timestamp));
    assert_eq!(of_body, Some(expected.as_str()));
    let decoded = secret
        .strip_prefix("whsec_")
        .and_then(|text| WHSEC.decode(text.trim_end_matches('=')).ok())
        .filter(|key| !key.is_empty());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    let mac = hmac(&key, &format!("{id}.{seconds}.{}", post.body));
    let expected = format!("v1,{}", STANDARD.encode(mac));
    assert_eq!(of_all, Some(expected.as_str()));
    body
}

/// The map may be sorted, so the order is that of the text: each member's name where it is looked for
/// behind the one before. A value cannot be taken for a name, as its quotes are escaped.
fn check_order(text: &str, body: &Map<String, Value>) {
    let mut rest = text;
    let present = MEMBERS.iter().filter(|name| body.contains_key(**name));
    let mut count = 0;
    for (index, name) in present.enumerate() {
        let lead = if index == 0 { '{' } else { ',' };
        let member = format!("{lead}\"{name}\":");
        let Some((_, after)) = rest.split_once(&member) else {
            panic!("{name} is not where the contract has it");
        };
        rest = after;
        count += 1;
    }
    assert_eq!(
        count,
        body.len(),
        "the body has a member that the contract does not know"
    );
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    match body.get(name) {
        Some(Value::String(text)) => text,
        _ => panic!("the body has no text {name}"),
    }
}

fn header<'a>(post: &'a Post, name: &str) -> Option<&'a str> {
    let mut found = post
        .headers
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let header = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} is there twice");
    header
}

/// `2022-04-03T23:59:25Z`.
fn is_timestamp(text: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:ddZ";
    text.len() == form.len()
        && text
            .bytes()
            .zip(form.bytes())
            .all(|(byte, form)| match form {
                b'd' => byte.is_ascii_digit(),
                form => byte == form,
            })
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
