//! Every fixture, played through the exported class.

use include_dir::{Dir, DirEntry, include_dir};
use rhombus_replay::{Fixture, Supervised, World, play};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::instance::Module;
use super::realm;

static FIXTURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tests/fixtures");

#[wasm_bindgen_test]
async fn every_fixture_passes() {
    let mut texts = Vec::new();
    collect(&FIXTURES, &mut texts);
    assert!(!texts.is_empty());

    let mut failures = Vec::new();
    for (name, text) in &texts {
        let fixture: Fixture = serde_json::from_str(text).expect(name);
        let world = World::new(fixture.systems.clone());
        realm::enter(&world);
        let mut stage = Supervised::<Module>::new(world.clone());
        if let Err(failure) = play(&fixture, &world, &mut stage, |_, _| {}).await {
            failures.push(format!("{name}: {failure}"));
        }
        drop(stage);
        realm::leave().await;
    }
    // Read by `cargo xtask test`.
    console_log!(
        "fixtures: {} passed, {} failed",
        texts.len() - failures.len(),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn collect(folder: &Dir<'static>, texts: &mut Vec<(String, &'static str)>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(folder) => collect(folder, texts),
            DirEntry::File(file) => {
                let name = file.path().with_extension("").display().to_string();
                texts.push((name, file.contents_utf8().expect("a fixture is text")));
            }
        }
    }
}
