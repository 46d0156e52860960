//! Text from outside, made harmless for a terminal and for a log that has one entry a line.

use std::fmt::{self, Display, Formatter, Write};
use std::io;

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

/// Passes on lines of JSON, with what is harmful in their texts escaped as JSON has it: a log in JSON is
/// shown on terminals too. JSON itself demands that of only some of it.
#[derive(Debug)]
pub struct EscapingJson<W>(pub W);

impl<W: io::Write> io::Write for EscapingJson<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut escaped = String::with_capacity(lines.len());
        for char in String::from_utf8_lossy(lines).chars() {
            if char != '\n' && is_harmful(char) {
                // All that is harmful is in Unicode's first plane: one escape is enough.
                escaped.push_str(&format!("\\u{:04x}", u32::from(char)));
            } else {
                escaped.push(char);
            }
        }
        self.0.write_all(escaped.as_bytes())?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Control characters, what ends a line, and all that Unicode has to turn the direction of writing.
fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
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
    fn lines_of_json_stay_json_and_mean_the_same() {
        let text = "a\u{7f}\u{9b}31m\u{61c}\u{202e}b\u{2028}c\n\u{1b} é";
        let line = serde_json::to_string(text).unwrap() + "\n";
        let mut written = Vec::new();
        io::Write::write_all(&mut EscapingJson(&mut written), line.as_bytes()).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(
            written,
            "\"a\\u007f\\u009b31m\\u061c\\u202eb\\u2028c\\n\\u001b é\"\n"
        );
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn what_people_write_is_left_as_it_is() {
        let text = "Nobody O'Fiction, \"例子 太郎\", Zoë, \\ and 🚪";
        assert_eq!(Escaped(text).to_string(), text);
    }
}
