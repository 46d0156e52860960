//! Door events that can be told apart after any driver has passed them on.

use std::ops::Range;

/// What stands before an event's number, in the event and in what receivers get.
const CARD: &[u8] = b"\"card_id\":\"";
/// As many digits as it has: all bodies are of the same length.
const DIGITS: usize = 10;

/// The event with this number, in JSON, at one of so many `doors`. Events take turns at them.
pub(super) fn event(number: u64, doors: u64) -> String {
    let door = number % doors;
    format!(
        r#"{{"module_id":"mod-doors","security_system":"Building","door_id":"door-{door}","timestamp":1649030365,"action":"granted","card_id":"{number:0DIGITS$}","user_name":"Ann Example","user_email":"ann@example.org"}}"#
    )
}

/// Where the digits of an event's number are in a body that receivers get.
///
/// # Panics
///
/// It has none.
pub(super) fn digits(body: &[u8]) -> Range<usize> {
    let at = body.windows(CARD.len()).position(|window| window == CARD);
    let begin = at.unwrap() + CARD.len();
    begin..begin + DIGITS
}

/// The number of the event that a body tells of.
pub(super) fn number(body: &[u8]) -> u64 {
    let digits = &body[digits(body)];
    digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// Makes a body tell of another event.
pub(super) fn renumber(body: &mut [u8], digits: Range<usize>, number: u64) {
    body[digits].copy_from_slice(format!("{number:0DIGITS$}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_known_by_its_number() {
        let mut body = event(1_234_567, 50).into_bytes();
        assert_eq!(number(&body), 1_234_567);
        let digits = digits(&body);
        renumber(&mut body, digits, 89);
        assert_eq!(number(&body), 89);
        assert_eq!(body.len(), event(0, 50).len() + "17".len() - "0".len());
    }
}
