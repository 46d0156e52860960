//! The driver as the slot of the tests carries it must not grow unnoticed.

use std::io::Write;

use wasmparser::{Parser, Payload};

/// In bytes: 1,237,483 when somebody last looked at it, with Rust 1.95.0, and a fiftieth more.
const LIMIT: u64 = 1_262_200;

/// Code and data. The rest is for people who debug it: five times as much, and in it the paths of folders.
#[test]
fn the_module_is_within_its_limit() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/module/wasm32-unknown-unknown/debug/rhombus_driver.wasm"
    );
    let module = std::fs::read(path).expect("the module, by `cargo xtask build`");
    let for_people: u64 = Parser::new(0)
        .parse_all(&module)
        .map(|part| match part.unwrap() {
            Payload::CustomSection(section) => section.range().end - section.range().start,
            _ => 0,
        })
        .sum();
    let size = module.len() as u64 - for_people;
    // Not by `println`, which is shown of tests that fail only. The harness may be in a line of its own.
    let line = format!("\nsize of the module: {size} bytes, at most {LIMIT}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    assert!(size <= LIMIT, "{size} bytes; the limit is {LIMIT}");
}
