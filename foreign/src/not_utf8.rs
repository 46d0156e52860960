//! Bytes that are no UTF-8, of each class of Markus Kuhn's "UTF-8 decoder capability and stress test"
//! (<https://www.cl.cam.ac.uk/~mgk25/ucs/examples/UTF-8-test.txt>). JSON's own suite has some too, but
//! its package is JavaScript, where a text cannot hold them.

/// What each is, with the section of the test that it is of, and the bytes.
pub const NOT_UTF8: [(&str, &[u8]); 18] = [
    ("3.1 the first continuation byte alone", b"\x80"),
    ("3.1 the last continuation byte alone", b"\xbf"),
    ("3.1 six continuation bytes", b"\x80\xbf\x80\xbf\x80\xbf"),
    ("3.2 the first byte of two, then a space", b"\xc3 "),
    ("3.2 the first byte of three, then a space", b"\xe2 "),
    ("3.2 the first byte of four, then a space", b"\xf0 "),
    ("3.3 three bytes without the last", b"\xe2\x82"),
    ("3.3 four bytes without the last", b"\xf0\x9f\x94"),
    ("3.5 a byte that never occurs, FE", b"\xfe"),
    ("3.5 a byte that never occurs, FF", b"\xff"),
    ("4.1 a slash in two bytes", b"\xc0\xaf"),
    ("4.1 a slash in three bytes", b"\xe0\x80\xaf"),
    ("4.1 a slash in four bytes", b"\xf0\x80\x80\xaf"),
    ("4.3 a NUL in two bytes", b"\xc0\x80"),
    ("5.1 a high surrogate", b"\xed\xa0\x80"),
    ("5.1 a low surrogate", b"\xed\xbf\xbf"),
    ("5.2 a pair of surrogates", b"\xed\xa0\xbd\xed\xb4\x91"),
    ("2.2 beyond the last character", b"\xf4\x90\x80\x80"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_them_is_utf8() {
        for (name, bytes) in NOT_UTF8 {
            assert!(std::str::from_utf8(bytes).is_err(), "{name}");
        }
    }
}
