//! Names that may be told to whoever gave them.

/// The longest one.
const LONGEST: usize = 32;

/// `text` if it is plainly a name: small letters, digits and `_`, beginning with a letter. What stands
/// where a name belongs may be a secret that went astray, and then it is not to be repeated.
pub fn plain_name(text: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = text.len() <= LONGEST
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(plain);
    is_name.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_anything_else_is_no_name() {
        for name in ["f", "door_event", "contrakt", "set_level_2"] {
            assert_eq!(plain_name(name), Some(name));
        }
        let long = "a".repeat(LONGEST + 1);
        for text in [
            "",
            "Hunter2",
            "7f000001",
            "a-b",
            "a b",
            "https://a.example/token",
            &long,
        ] {
            assert_eq!(plain_name(text), None, "{text}");
        }
    }
}
