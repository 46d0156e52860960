//! Text from outside, made harmless for a terminal and for a log that has one entry a line.

use std::fmt::{self, Display, Formatter, Write};

/// Shows a text with its control characters escaped, and those that turn the direction of writing.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Escaping(f).write_str(self.0)
    }
}

/// Passes on what is written to it, escaped as [`Escaped`] does.
#[derive(Debug)]
pub struct Escaping<W>(pub W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = text;
        while let Some((at, harmful)) = plain.char_indices().find(|(_, char)| is_harmful(*char)) {
            self.0.write_str(&plain[..at])?;
            write!(self.0, "{}", harmful.escape_default())?;
            plain = &plain[at + harmful.len_utf8()..];
        }
        self.0.write_str(plain)
    }
}

fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_forge_a_line_or_steer_a_terminal_is_escaped() {
        let shown = Escaped("a\nb\r\t\u{1b}[31m\u{9b}c\u{202e}d\0").to_string();
        assert_eq!(shown, r"a\nb\r\t\u{1b}[31m\u{9b}c\u{202e}d\u{0}");
    }

    #[test]
    fn what_people_write_is_left_as_it_is() {
        let text = "Nobody O'Fiction, \"例子 太郎\", Zoë, \\ and 🚪";
        assert_eq!(Escaped(text).to_string(), text);
    }
}
