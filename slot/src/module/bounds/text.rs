//! Texts that a module writes for people, cut to a length that people read.

use std::borrow::Cow;

/// `text`, or its beginning of at most `limit` bytes and a mark.
pub(in super::super) fn clipped(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text.into();
    }
    let end = text.floor_char_boundary(limit);
    format!("{}…", &text[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(clipped("abc", 3), "abc");
        assert_eq!(clipped("abcd", 3), "abc…");
        assert_eq!(clipped("aé", 2), "a…");
    }
}
