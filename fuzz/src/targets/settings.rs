//! Settings, at load and at update.
//!
//! `{"settings": [first, …]}`, each a JSON object or text. An input that is no document is the first.

use rhombus_replay::World;
use serde_json::json;

use crate::book::Book;
use crate::document::Document;
use crate::signature;
use crate::site::{self, Site};

/// Settings of one input.
const MOST: usize = 6;

/// After each settings exactly those get an event that must, none that the egress rule refuses; and the
/// same settings again write nothing, at an update and at a start.
pub fn run(data: &[u8]) {
    let all = match Document::parse(data) {
        Some(input) => {
            let all = input.list("settings", MOST).iter();
            all.map(rhombus_replay::text).collect()
        }
        None => vec![String::from_utf8_lossy(data).into_owned()],
    };
    let Some(first) = all.first() else { return };
    let world = site::world(None);
    let mut site = load(&world, first);
    let mut book = Book::new();
    for (index, settings) in all.iter().enumerate() {
        if index > 0 {
            site.update(settings.clone());
        }
        book.take(settings);
        assert_told(&mut site, &book);

        let (records, commits) = (site.records(), world.commits());
        site.update(settings.clone());
        assert_eq!(
            commits,
            world.commits(),
            "the same settings are written again"
        );
        site = load(&world, settings);
        assert!(
            records == site.records(),
            "the same settings at a start change the store"
        );
        assert_told(&mut site, &book);
    }
}

fn load(world: &World, settings: &str) -> Site {
    match Site::load(world.clone(), settings) {
        Ok(site) => site,
        Err(why) => panic!("settings keep the driver from loading: {why}"),
    }
}

/// An event reaches whom it must.
fn assert_told(site: &mut Site, book: &Book) {
    site.world.take_posts();
    let event = json!({"door_id": "lobby", "action": "granted"}).to_string();
    let told = site.event(event, None);
    let expected = if book.is_begun() {
        "accepted"
    } else {
        "unsaved"
    };
    assert_eq!(told, expected);
    let posts = site.world.take_posts();
    let active = book.active();
    let urls: Vec<_> = posts.iter().map(|post| &post.url).collect();
    let expected: Vec<_> = active.keys().filter(|_| book.is_begun()).collect();
    assert_eq!(urls, expected, "others are sent to than are subscribed");
    for (post, secret) in posts.iter().zip(active.values()) {
        signature::verified(post, secret.as_deref());
    }
}
