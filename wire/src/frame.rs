//! Frames on core's socket. The two directions differ: from core a length and JSON, to core JSON
//! between two marks.

use std::io::{self, Read};

/// The longest message that is taken from core, in bytes. A whole model with a thousand of the
/// longest subscriptions is a tenth of it.
pub const LIMIT: usize = 64 << 20;

/// Why no further message can be read. Nothing marks where the next one would begin.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream failed, or ended inside a frame.
    #[error("core's socket cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A length that no message has.
    #[error("core announced a message of {0} bytes; one may have 0 to {LIMIT}")]
    Length(i32),
}

/// Reads the JSON of one message: its length, 32 bits little-endian, then so many bytes. `None` at
/// the end of the stream.
///
/// # Errors
///
/// If the stream cannot be understood any more.
pub fn read(stream: &mut impl Read) -> Result<Option<Vec<u8>>, FrameError> {
    let mut length = [0; 4];
    let mut have = 0;
    while have < length.len() {
        match stream.read(&mut length[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(more) => have += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let announced = i32::from_le_bytes(length);
    let length = usize::try_from(announced)
        .ok()
        .filter(|length| *length <= LIMIT)
        .ok_or(FrameError::Length(announced))?;
    // Memory is taken as the bytes come, not as they are announced.
    let mut json = Vec::with_capacity(length.min(64 << 10));
    stream.take(length as u64).read_to_end(&mut json)?;
    if json.len() < length {
        return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(Some(json))
}

/// The bytes that carry `json` to core. JSON never has a raw NUL, so nothing in it can be taken for
/// a mark.
pub fn enclose(json: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(json.len() + 4);
    frame.extend_from_slice(b"\0\x02");
    frame.extend_from_slice(json);
    frame.extend_from_slice(b"\0\x03");
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of one size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(into.len());
            self.0.read(&mut into[..length])
        }
    }

    #[test]
    fn frames_come_whole_however_the_stream_is_cut() {
        let info = br#"{"id":"","cmd":"info","seq":7}"#;
        let terminate = br#"{"id":"t","cmd":"terminate"}"#;
        let mut bytes = vec![0x1e, 0, 0, 0];
        bytes.extend_from_slice(info);
        bytes.extend_from_slice(&[0x1c, 0, 0, 0]);
        bytes.extend_from_slice(terminate);
        bytes.extend_from_slice(&[0; 4]);
        for size in 1..bytes.len() {
            let mut stream = Pieces(&bytes, size);
            assert_eq!(read(&mut stream).unwrap().unwrap(), info);
            assert_eq!(read(&mut stream).unwrap().unwrap(), terminate);
            assert_eq!(read(&mut stream).unwrap().unwrap(), b"");
            assert!(read(&mut stream).unwrap().is_none());
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_refused_at_once() {
        let most = i32::try_from(LIMIT).unwrap();
        for length in [-1, i32::MIN, i32::MAX, most + 1] {
            let error = read(&mut &length.to_le_bytes()[..]).unwrap_err();
            assert!(
                matches!(error, FrameError::Length(told) if told == length),
                "{error}"
            );
        }
    }

    #[test]
    fn an_end_inside_a_frame_is_an_error() {
        for cut in [&[1][..], &[5, 0, 0, 0], &[5, 0, 0, 0, b'{']] {
            assert!(matches!(read(&mut &cut[..]), Err(FrameError::Io(_))));
        }
    }

    #[test]
    fn a_message_to_core_stands_between_marks() {
        assert_eq!(enclose(b"{}"), b"\0\x02{}\0\x03");
    }
}
