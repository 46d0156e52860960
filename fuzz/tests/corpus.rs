//! Every input of the corpus, through its target. What a run of libFuzzer found is so tried for ever,
//! with a compiler's checks and without libFuzzer.

use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

use rhombus_fuzz::TARGETS;

#[test]
fn what_must_hold_holds_for_every_input_of_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut inputs = 0;
    for (name, target) in TARGETS {
        let mut files: Vec<_> = fs::read_dir(corpus.join(name))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{name} has no inputs");
        for file in files {
            let input = fs::read(&file).unwrap();
            let outcome = std::panic::catch_unwind(|| target(&input));
            assert!(outcome.is_ok(), "{name} fails for {}", file.display());
            inputs += 1;
        }
    }
    // Not by `println`, which is shown of tests that fail only. The harness may be in a line of its own.
    let line = format!(
        "\nfuzz corpus: {inputs} inputs of {} targets\n",
        TARGETS.len()
    );
    stdout().write_all(line.as_bytes()).unwrap();
}
