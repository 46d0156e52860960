//! Scenarios that must come out right. Each is held to all laws as well, to its end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use serde_json::json;
use simulation::time::{DAY, HOUR, MINUTE, SECOND};
use simulation::{Mood, RetryAfter, Site, Weather};

const NORTH: &str = "https://north.example/hook";
const SOUTH: &str = "https://south.example/hook";

/// A site where `NORTH` and `SOUTH` are subscribed.
fn site() -> Site {
    let mut site = Site::new(1, &[NORTH, SOUTH]);
    site.pass(SECOND);
    for url in [NORTH, SOUTH] {
        site.post(url, Some("123456")).unwrap();
    }
    site.pass(SECOND);
    site
}

/// The events that were received, each once, in the order of their first receipt.
fn received(site: &Site, url: &str) -> Vec<usize> {
    let mut events = Vec::new();
    for receipt in site.receipts(url) {
        if !events.contains(&receipt.event.0) {
            events.push(receipt.event.0);
        }
    }
    events
}

fn events(site: &mut Site, doors: &[&str], count: usize, apart: u64) -> Vec<usize> {
    let mut offered = Vec::new();
    for index in 0..count {
        offered.push(site.event(doors[index % doors.len()]).0);
        site.pass(apart);
    }
    offered
}

#[test]
fn a_receiver_that_is_down_for_a_week_end_gets_everything() {
    let mut site = site();
    site.mood(NORTH, Mood::Always(502));
    let offered = events(&mut site, &["lobby", "vault"], 200, 15 * MINUTE);
    site.pass(10 * HOUR);
    assert!(received(&site, NORTH).is_empty());
    assert_eq!(received(&site, SOUTH), offered);
    site.mood(NORTH, Mood::Healthy);
    site.pass(5 * MINUTE);
    assert_eq!((site.pending(), site.dead_letters()), (0, 0));
    let mut came = received(&site, NORTH);
    came.sort_unstable();
    assert_eq!(came, offered);
    site.finish().unwrap();
}

#[test]
fn one_poisoned_event_stops_the_only_door_for_a_minute_and_no_longer() {
    let mut site = site();
    let poisoned = site.event("lobby");
    site.mood(NORTH, Mood::Healthy);
    site.pass(SECOND);
    site.mood(
        NORTH,
        Mood::Refuses(500, format!("\"card-{}\"", poisoned.0 + 1)),
    );
    let offered = events(&mut site, &["lobby"], 20, 10 * SECOND);
    site.pass(2 * MINUTE);
    let came = received(&site, NORTH);
    assert!(came.len() >= offered.len() - 1, "{came:?} of {offered:?}");
    site.finish().unwrap();
}

#[test]
fn a_receiver_that_answers_404_for_a_week_then_mends_gets_everything() {
    let mut site = site();
    site.mood(NORTH, Mood::Always(404));
    let offered = events(&mut site, &["lobby", "vault", "gate"], 30, MINUTE);
    site.pass(7 * DAY);
    assert_eq!(
        site.dead_letters(),
        0,
        "while it is paused no attempt counts"
    );
    site.mood(NORTH, Mood::Healthy);
    site.pass(2 * HOUR);
    let mut came = received(&site, NORTH);
    came.sort_unstable();
    assert_eq!(came, offered);
    site.finish().unwrap();
}

#[test]
fn a_storm_of_429_on_a_backlog_is_answered_by_patience() {
    let mut site = site();
    site.mood(NORTH, Mood::Busy(429, RetryAfter::Seconds(30)));
    let offered = events(&mut site, &["lobby", "vault", "gate"], 100, 100);
    site.pass(10 * MINUTE);
    let attempts = site.attempts(NORTH).len();
    assert!(attempts <= 25, "{attempts} attempts in ten minutes");
    site.mood(NORTH, Mood::Healthy);
    site.pass(MINUTE);
    assert_eq!(received(&site, NORTH).len(), offered.len());
    assert_eq!(site.dead_letters(), 0);
    site.finish().unwrap();
}

#[test]
fn one_stray_410_is_forgiven() {
    let mut site = site();
    site.mood(NORTH, Mood::Gone(1));
    let offered = events(&mut site, &["lobby"], 5, SECOND);
    site.pass(MINUTE);
    assert_eq!(received(&site, NORTH), offered);
    assert_eq!(site.dead_letters(), 0);
    site.finish().unwrap();
}

#[test]
fn three_410_in_a_row_disable_and_a_post_enables() {
    let mut site = site();
    site.mood(NORTH, Mood::Gone(3));
    let offered = events(&mut site, &["lobby"], 5, 10 * SECOND);
    site.pass(MINUTE);
    assert!(received(&site, NORTH).is_empty());
    assert_eq!(site.dead_letters(), offered.len());
    site.post(NORTH, Some("123456"));
    let later = events(&mut site, &["lobby"], 2, SECOND);
    assert_eq!(received(&site, NORTH), later);
    site.finish().unwrap();
}

#[test]
fn a_receiver_that_answers_400_to_everything_for_an_hour_loses_a_few_and_as_dead_letters() {
    let mut site = site();
    site.mood(NORTH, Mood::Always(400));
    let offered = events(&mut site, &["lobby", "vault", "gate"], 60, MINUTE);
    let dead = site.dead_letters();
    assert!(dead < offered.len() / 2, "{dead} dead letters");
    site.mood(NORTH, Mood::Healthy);
    site.pass(5 * MINUTE);
    assert_eq!(
        received(&site, NORTH).len() + site.dead_letters(),
        offered.len()
    );
    site.finish().unwrap();
}

#[test]
fn no_attempt_starts_once_delete_is_answered_with_one_in_flight() {
    let mut site = site();
    site.mood(NORTH, Mood::Slow(5 * SECOND..=5 * SECOND));
    site.event("lobby");
    site.event("lobby");
    site.pass(SECOND);
    assert_eq!(site.attempts(NORTH).len(), 1);
    site.delete(NORTH);
    site.pass(HOUR);
    assert_eq!(site.attempts(NORTH).len(), 1);
    assert_eq!((site.pending(), site.dead_letters()), (0, 0));
    site.finish().unwrap();
}

#[test]
fn a_secret_that_changes_while_deliveries_wait_signs_the_next_attempt() {
    let mut site = site();
    site.mood(NORTH, Mood::Always(500));
    let event = site.event("lobby");
    site.pass(SECOND / 2);
    site.post(NORTH, Some("another"));
    site.mood(NORTH, Mood::Healthy);
    site.pass(MINUTE);
    // That each attempt is signed with the secret of its moment is a law.
    assert_eq!(received(&site, NORTH), [event.0]);
    site.finish().unwrap();
}

#[test]
fn a_clock_that_is_a_day_ahead_and_then_right_again_kills_nothing_and_delays_nothing() {
    let mut site = site();
    site.mood(NORTH, Mood::Always(500));
    site.event("lobby");
    site.pass(SECOND);
    site.jump(i64::try_from(DAY).unwrap());
    site.event("lobby");
    site.pass(10 * SECOND);
    site.set_clock_right();
    site.event("lobby");
    site.mood(NORTH, Mood::Healthy);
    site.pass(2 * MINUTE);
    assert_eq!(received(&site, NORTH).len(), 3);
    assert_eq!((site.pending(), site.dead_letters()), (0, 0));
    site.finish().unwrap();
}

#[test]
fn a_restart_while_paused_neither_hurries_nor_forgets() {
    let mut site = site();
    site.mood(NORTH, Mood::Busy(503, RetryAfter::Seconds(600)));
    let event = site.event("lobby");
    site.pass(MINUTE);
    site.kill();
    site.pass(8 * MINUTE);
    assert_eq!(site.attempts(NORTH).len(), 1);
    site.mood(NORTH, Mood::Healthy);
    site.pass(2 * MINUTE);
    assert_eq!(received(&site, NORTH), [event.0]);
    site.finish().unwrap();
}

#[test]
fn a_receiver_that_was_down_for_an_hour_has_everything_soon_after_its_return() {
    let mut site = site();
    site.mood(NORTH, Mood::Hangs);
    let offered = events(&mut site, &["lobby", "vault", "gate"], 120, 30 * SECOND);
    let back = site.now().elapsed;
    site.mood(NORTH, Mood::Healthy);
    site.pass(3 * MINUTE);
    let receipts = site.receipts(NORTH);
    let first = receipts.first().unwrap().at - back;
    let last = receipts.last().unwrap().at - back;
    assert!(first <= 75 * SECOND, "the first came after {first} ms");
    assert!(
        last - first <= 30 * SECOND,
        "the last came {} ms after the first",
        last - first
    );
    assert_eq!(received(&site, NORTH).len(), offered.len());
    for door in 0..3 {
        let of_door = |events: &[usize]| -> Vec<usize> {
            events
                .iter()
                .copied()
                .filter(|event| event % 3 == offered[door] % 3)
                .collect()
        };
        assert_eq!(of_door(&received(&site, NORTH)), of_door(&offered));
    }
    site.finish().unwrap();
}

#[test]
fn thirty_subscriptions_in_a_row_are_all_kept() {
    let urls: Vec<_> = (0..30)
        .map(|number| format!("https://{number}.example/hook"))
        .collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let mut site = Site::new(1, &urls);
    site.pass(SECOND);
    for url in &urls {
        let call = site.post(url, None).unwrap();
        site.pass(20);
        assert!(site.answer(call).is_some());
    }
    site.restart();
    site.pass(SECOND);
    let event = site.event("lobby");
    site.pass(SECOND);
    for url in &urls {
        assert_eq!(received(&site, url), [event.0], "{url}");
    }
    site.finish().unwrap();
}

#[test]
fn a_subscriber_that_never_answers_holds_up_no_other() {
    let mut site = site();
    site.mood(NORTH, Mood::Hangs);
    let offered = events(&mut site, &["lobby"], 50, 100);
    site.pass(SECOND);
    assert_eq!(received(&site, SOUTH), offered);
    site.finish().unwrap();
}

#[test]
fn a_storm_of_settings_loses_no_event_and_doubles_none() {
    let mut site = site();
    let mut offered = Vec::new();
    for index in 0..400 {
        site.set(
            "contract",
            json!(if index % 2 == 0 {
                "deployed"
            } else {
                "document"
            }),
        );
        offered.push(site.event("lobby").0);
        site.pass(50);
    }
    site.pass(SECOND);
    assert_eq!(received(&site, SOUTH), offered);
    assert_eq!(site.receipts(SOUTH).len(), offered.len());
    site.finish().unwrap();
}

#[test]
fn a_store_that_loses_its_answers_costs_no_event() {
    let mut site = site();
    site.storage(Weather {
        answers_lost: 100,
        ..Weather::default()
    });
    let event = site.event("lobby");
    site.pass(5 * SECOND);
    site.storage(Weather::default());
    site.pass(MINUTE);
    assert_eq!(received(&site, SOUTH), [event.0]);
    site.finish().unwrap();
}
