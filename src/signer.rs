//! How a secret signs: by two keys, for the two signatures that a notification has.

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use crate::mac::SigningKey;

/// A secret's keys.
pub(crate) struct Signer {
    /// The secret's bytes.
    plain: SigningKey,
    /// What `whsec_<base64>` decodes to, or else the secret's bytes.
    standard: SigningKey,
}

impl Signer {
    pub(crate) fn new(secret: &str) -> Self {
        let plain = SigningKey::new(secret.as_bytes());
        let decoded = secret.strip_prefix("whsec_").and_then(decoded);
        let standard = decoded.map_or_else(|| plain.clone(), |key| SigningKey::new(&key));
        Self { plain, standard }
    }

    /// The member `signature`: lower-case hex, of the timestamp's text.
    pub(crate) fn signature(&self, timestamp: &str) -> String {
        hex::encode(self.plain.sign(&[timestamp.as_bytes()]))
    }

    /// The header `webhook-signature`.
    pub(crate) fn webhook_signature(&self, id: &str, seconds: &str, body: &str) -> String {
        let parts = [id, ".", seconds, ".", body].map(str::as_bytes);
        format!("v1,{}", Base64::encode_string(&self.standard.sign(&parts)))
    }
}

/// What Base64 stands for; nothing if it is none, or stands for nothing: an empty key would be everybody's.
///
/// Standard Webhooks does not say more of it than "base64". Its libraries take a text without padding, or with
/// more than it needs, and do not look at the bits that the last character has too many. Whoever verifies with
/// one of them must have the same key, so it is the same here.
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
