//! Prints all vectors of HMAC-SHA256 as JSON, for tests that are not written in Rust.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &foreign::hmac::vectors())?;
    output.write_all(b"\n")
}
