//! How a receiver finds out whether a POST is what it claims to be.
//!
//! Written from the contract alone and sharing nothing with the driver, so that a fault in the one
//! shows in the other.

use axum::http::HeaderMap;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// What is to be said of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// There is one, and it is right.
    Right,
    /// There is one, and it does not belong to this POST and this secret.
    Wrong,
    /// There should be one and there is none.
    Missing,
    /// There is one, and no secret to check it with.
    Unchecked,
    /// There is none, and without a secret there should be none.
    NotAsked,
}

/// What is to be said of a POST's two signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Findings {
    /// `signature` in the body: proves that the sender knows the secret, and covers the time only.
    pub body: Finding,
    /// The header `webhook-signature`: covers id, time and body.
    pub header: Finding,
}

/// Checks both signatures of a POST with these headers and this body. Without a secret it says
/// what there is.
pub fn verify(secret: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Findings {
    Findings {
        body: finding(secret, body_signature(body), |secret, signature| {
            is_body_signature(secret, body, signature)
        }),
        header: finding(
            secret,
            text(headers, "webhook-signature"),
            |secret, given| is_header_signature(secret, headers, body, given),
        ),
    }
}

fn finding(
    secret: Option<&str>,
    signature: Option<String>,
    is_right: impl FnOnce(&str, &str) -> bool,
) -> Finding {
    match (secret, signature) {
        (Some(secret), Some(signature)) if is_right(secret, &signature) => Finding::Right,
        (Some(_), Some(_)) => Finding::Wrong,
        (Some(_), None) => Finding::Missing,
        (None, Some(_)) => Finding::Unchecked,
        (None, None) => Finding::NotAsked,
    }
}

fn body_signature(body: &[u8]) -> Option<String> {
    member(body, "signature")
}

/// The lower-case hexadecimal HMAC-SHA256 of the body's `timestamp`, as it is written there.
fn is_body_signature(secret: &str, body: &[u8], given: &str) -> bool {
    let Some(timestamp) = member(body, "timestamp") else {
        return false;
    };
    let right = hex::encode(hmac(secret.as_bytes(), &[timestamp.as_bytes()]));
    same(&right, given)
}

/// Standard Webhooks: of the signatures in the header, divided by blanks, one is `v1,` and the
/// Base64 of the HMAC-SHA256 of `id.timestamp.body`.
fn is_header_signature(secret: &str, headers: &HeaderMap, body: &[u8], given: &str) -> bool {
    let id = text(headers, "webhook-id");
    let timestamp = text(headers, "webhook-timestamp");
    let (Some(id), Some(timestamp)) = (id, timestamp) else {
        return false;
    };
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let right = BASE64_STANDARD.encode(hmac(&header_key(secret), &signed));
    let right = format!("v1,{right}");
    given.split(' ').any(|given| same(&right, given))
}

/// The secret's bytes, or what the part after `whsec_` stands for.
fn header_key(secret: &str) -> Vec<u8> {
    secret
        .strip_prefix("whsec_")
        .and_then(|encoded| SECRETS.decode(encoded.trim_end_matches('=')).ok())
        .filter(|key| !key.is_empty())
        .unwrap_or_else(|| secret.as_bytes().to_owned())
}

/// How a secret is decoded: as the libraries of Standard Webhooks do, with padding or without, and whatever
/// the bits are that the last character has too many.
const SECRETS: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));

fn hmac(key: &[u8], parts: &[&[u8]]) -> impl AsRef<[u8]> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes()
}

/// In constant time: how long a comparison takes must not tell how much of a guess was right.
fn same(right: &str, given: &str) -> bool {
    right.as_bytes().ct_eq(given.as_bytes()).into()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn member(body: &[u8], name: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "123456";
    const ID: &str = "event-1";
    const TIME: &str = "1649030365";

    // The signatures are openssl's: `openssl dgst -sha256 -hmac SECRET`.
    const BODY: &str = concat!(
        r#"{"door_id":"lobby","timestamp":"2022-04-03T23:59:25Z","#,
        r#""signature":"a276988a8dbd35627d09708b23ca699947114a6f2ab6b38465f0e632fe264342","#,
        r#""action":"granted"}"#
    );
    const SIGNATURE: &str = "v1,JC6hGaa5FhxExeKbn7NNHYWZF1a3b7aydyNGYwBFooE=";
    const ENCODED_SECRET: &str = "whsec_d2hzZWMga2V5IGJ5dGVzIQ==";
    const SIGNATURE_BY_ENCODED: &str = "v1,PhRlE2eXGZVTV4IkqkM25mwc8es+5DEkq5FXYryrqSY=";

    fn headers(signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", ID.parse().unwrap());
        headers.insert("webhook-timestamp", TIME.parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    fn found(secret: Option<&str>, headers: &HeaderMap, body: &str) -> (Finding, Finding) {
        let Findings { body, header } = verify(secret, headers, body.as_bytes());
        (body, header)
    }

    #[test]
    fn what_openssl_signs_is_right() {
        use Finding::Right;
        assert_eq!(
            found(Some(SECRET), &headers(SIGNATURE), BODY),
            (Right, Right)
        );
    }

    #[test]
    fn an_encoded_secret_is_decoded_for_the_header_and_a_text_for_the_body() {
        use Finding::Right;
        let body = BODY.replace(
            "a276988a8dbd35627d09708b23ca699947114a6f2ab6b38465f0e632fe264342",
            "740ed0f839512b6bb188c37da24e1f7ce6976f077f2652d6e38fb8465658ce8d",
        );
        let signed = [ID, TIME, &body].join(".");
        let signature = BASE64_STANDARD.encode(hmac(b"whsec key bytes!", &[signed.as_bytes()]));
        let headers = headers(&format!("v1,{signature}"));
        assert_eq!(found(Some(ENCODED_SECRET), &headers, &body), (Right, Right));
    }

    #[test]
    fn a_secret_is_the_same_without_padding_and_whatever_its_last_bits() {
        // The last character has four bits too many.
        for secret in [
            "whsec_d2hzZWMga2V5IGJ5dGVzIQ",
            "whsec_d2hzZWMga2V5IGJ5dGVzIQ=",
            "whsec_d2hzZWMga2V5IGJ5dGVzIR==",
        ] {
            let header = headers(SIGNATURE_BY_ENCODED);
            assert_eq!(found(Some(secret), &header, BODY).1, Finding::Right);
        }
        // One character stands for less than a byte, so this is text.
        let header = headers(SIGNATURE_BY_ENCODED);
        let found = found(Some("whsec_d2hzZWMga2V5IGJ5dGVzIQAAA"), &header, BODY);
        assert_eq!(found.1, Finding::Wrong);
    }

    #[test]
    fn the_header_may_hold_several_signatures() {
        let both = headers(&format!("v1a,AAAA {SIGNATURE_BY_ENCODED} {SIGNATURE}"));
        assert_eq!(found(Some(SECRET), &both, BODY).1, Finding::Right);
        assert_eq!(found(Some(ENCODED_SECRET), &both, BODY).1, Finding::Right);
    }

    #[test]
    fn a_change_of_anything_signed_is_seen() {
        use Finding::{Right, Wrong};
        let right = headers(SIGNATURE);
        assert_eq!(found(Some("1234567"), &right, BODY), (Wrong, Wrong));
        let other_door = BODY.replace("lobby", "vault");
        assert_eq!(found(Some(SECRET), &right, &other_door), (Right, Wrong));
        let other_time = BODY.replace("23:59:25Z", "23:59:26Z");
        assert_eq!(found(Some(SECRET), &right, &other_time), (Wrong, Wrong));
        for name in ["webhook-id", "webhook-timestamp"] {
            let mut changed = right.clone();
            changed.insert(name, "1649030366".parse().unwrap());
            assert_eq!(found(Some(SECRET), &changed, BODY).1, Wrong, "{name}");
            changed.remove(name);
            assert_eq!(found(Some(SECRET), &changed, BODY).1, Wrong, "{name}");
        }
    }

    #[test]
    fn a_signature_in_another_form_is_wrong() {
        use Finding::Wrong;
        let bare = SIGNATURE.trim_start_matches("v1,");
        for given in [bare, &SIGNATURE.to_uppercase(), "v1,", "", "v2,AAAA"] {
            assert_eq!(
                found(Some(SECRET), &headers(given), BODY).1,
                Wrong,
                "{given}"
            );
        }
        let upper = BODY.replace("a276988a8dbd", "A276988A8DBD");
        assert_eq!(found(Some(SECRET), &headers(SIGNATURE), &upper).0, Wrong);
    }

    #[test]
    fn without_secret_or_signature_it_says_so() {
        use Finding::{Missing, NotAsked, Unchecked};
        let none = HeaderMap::new();
        assert_eq!(found(Some(SECRET), &none, "{}"), (Missing, Missing));
        assert_eq!(found(Some(SECRET), &none, "not JSON"), (Missing, Missing));
        assert_eq!(found(None, &none, "{}"), (NotAsked, NotAsked));
        let signed = headers(SIGNATURE);
        assert_eq!(found(None, &signed, BODY), (Unchecked, Unchecked));
    }
}
