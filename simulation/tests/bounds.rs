//! What is kept is bounded, and what goes then is what is oldest. Held to all laws as well.

use simulation::time::{MINUTE, SECOND};
use simulation::{Mood, Site};

const SUBSCRIBERS: usize = 100;
const MAX_PENDING: usize = 200_000;
const MAX_DEAD: usize = 20_000;
const MAX_REJECTED: usize = 1_000;
const MAX_UNLOCKS: usize = 50_000;

#[test]
fn beyond_200_000_pending_the_oldest_become_dead_letters_and_of_these_20_000_are_kept() {
    let urls: Vec<_> = (0..SUBSCRIBERS)
        .map(|number| format!("https://receiver.example/{number}"))
        .collect();
    let names: Vec<_> = urls.iter().map(String::as_str).collect();
    let mut site = Site::new(1, &names);
    site.pass(SECOND);
    for url in &names {
        site.post(url, None).unwrap();
        site.mood(url, Mood::Always(502));
    }
    site.pass(SECOND);

    // As many as there is room for.
    for _ in 0..MAX_PENDING / SUBSCRIBERS {
        site.event("lobby");
        site.pass(10);
    }
    site.pass(MINUTE);
    assert_eq!((site.pending(), site.dead_letters()), (MAX_PENDING, 0));

    // One more for each: the first event is given up for all of them.
    site.event("lobby");
    site.pass(2 * MINUTE);
    assert_eq!(
        (site.pending(), site.dead_letters()),
        (MAX_PENDING, SUBSCRIBERS)
    );

    for _ in 0..MAX_DEAD / SUBSCRIBERS {
        site.event("lobby");
        site.pass(10);
    }
    site.pass(3 * MINUTE);
    assert_eq!(
        (site.pending(), site.dead_letters()),
        (MAX_PENDING, MAX_DEAD)
    );
    site.check().unwrap();
}

#[test]
fn the_latest_1_000_events_are_kept_that_could_not_be_read() {
    let mut site = Site::new(1, &[]);
    site.pass(SECOND);
    for _ in 0..MAX_REJECTED {
        site.unreadable_event();
        site.pass(10);
    }
    site.pass(2 * MINUTE);
    assert_eq!(site.rejected(), MAX_REJECTED);

    for _ in 0..100 {
        site.unreadable_event();
        site.pass(10);
    }
    site.pass(2 * MINUTE);
    assert_eq!(site.rejected(), MAX_REJECTED);
    site.check().unwrap();
}

#[test]
fn the_latest_50_000_unlocks_are_kept() {
    let mut site = Site::new(1, &[]);
    site.pass(SECOND);
    for _ in 0..MAX_UNLOCKS + 100 {
        // As often as one caller may.
        site.put("no such door").unwrap();
        site.pass(100);
    }
    site.pass(2 * MINUTE);
    assert_eq!(site.unlocks(), MAX_UNLOCKS);
    site.check().unwrap();
}
