//! The order of one subscriber's deliveries.

use super::super::samples::{key, message};
use super::*;

const MUCH: usize = 1 << 20;

fn lanes(deliveries: &[(u64, &str)]) -> Lanes {
    let mut lanes = Lanes::default();
    for (number, door) in deliveries {
        lanes.insert(key(*number), message(door), None, MUCH, 0);
    }
    lanes
}

fn failed_at(time: u64, next: u64) -> History {
    History {
        attempts: 1,
        next,
        first_failed: Some(time),
        last_failed: Some(time),
        ..History::default()
    }
}

fn take(lanes: &mut Lanes, now: u64) -> Vec<Key> {
    std::iter::from_fn(|| lanes.take(now).map(|picked| picked.key)).collect()
}

#[test]
fn only_the_head_of_each_door_is_attempted() {
    let mut lanes = lanes(&[(1, "north"), (2, "south"), (3, "north"), (4, "south")]);
    assert_eq!(take(&mut lanes, 0), [key(1), key(2)]);
    assert!(lanes.remove(key(2), 0));
    assert_eq!(take(&mut lanes, 0), [key(4)]);
    assert!(lanes.remove(key(1), 0) && lanes.remove(key(4), 0));
    assert_eq!(take(&mut lanes, 0), [key(3)]);
    assert!(lanes.remove(key(3), 0) && !lanes.remove(key(3), 0));
    assert_eq!((lanes.len(), lanes.bytes, lanes.messages), (0, 0, 0));
    assert_eq!(lanes.due(0), None);
}

#[test]
fn a_lane_waits_a_minute_for_a_head_that_failed_and_no_longer() {
    let mut lanes = lanes(&[(1, "north"), (2, "north")]);
    assert_eq!(take(&mut lanes, 0), [key(1)]);
    lanes.put_back(key(1), failed_at(0, 1_000), 0);
    assert_eq!(lanes.due(500), Some(1_000));
    assert_eq!(take(&mut lanes, 1_000), [key(1)]);
    lanes.put_back(key(1), failed_at(0, 600_000), 1_000);
    assert_eq!(lanes.due(59_999), Some(60_000));
    assert_eq!(take(&mut lanes, 60_000), [key(2)]);
    assert_eq!(lanes.due(60_000), Some(600_000));
    assert_eq!(take(&mut lanes, 600_000), [key(1)]);
}

#[test]
fn any_number_that_went_by_themselves_do_so_again_after_a_restart() {
    let mut lanes = lanes(&[(1, "north")]);
    assert_eq!(take(&mut lanes, 100_000), [key(1)]);
    for number in 2..20_000 {
        let history = Some(failed_at(0, 200_000));
        lanes.insert(key(number), message("north"), history, MUCH, 100_000);
    }
    lanes.insert(key(20_000), message("north"), None, MUCH, 100_000);
    lanes.remove(key(1), 100_000);
    assert_eq!(take(&mut lanes, 100_000), [key(20_000)]);
    assert_eq!(take(&mut lanes, 200_000).len(), 19_998);
}

#[test]
fn one_that_comes_late_takes_its_place() {
    let mut lanes = lanes(&[(5, "north"), (7, "north")]);
    assert_eq!(take(&mut lanes, 0), [key(5)]);
    for number in [6, 3, 6] {
        lanes.insert(key(number), message("north"), None, MUCH, 0);
    }
    assert_eq!((lanes.len(), lanes.oldest()), (4, Some(key(3))));
    assert_eq!(take(&mut lanes, 0), [], "one attempt at a time");
    lanes.remove(key(5), 0);
    for number in [3, 6, 7] {
        assert_eq!(take(&mut lanes, 0), [key(number)]);
        lanes.remove(key(number), 0);
    }
}

#[test]
fn probes_take_the_heads_in_turn() {
    let mut lanes = lanes(&[(1, "north"), (2, "south"), (3, "west"), (4, "north")]);
    let mut probed = Vec::new();
    for _ in 0..4 {
        let picked = lanes.probe(9).unwrap();
        probed.push(picked.key);
        lanes.put_back(picked.key, History::default(), 0);
    }
    assert_eq!(probed, [key(1), key(2), key(3), key(1)]);
}

#[test]
fn probes_try_the_next_delivery_after_five_answers() {
    let mut lanes = lanes(&[(1, "north"), (2, "north"), (3, "north")]);
    let mut probed = Vec::new();
    for answered in [0, 4, 5, 9, 10, 15] {
        let picked = lanes.probe(answered).unwrap();
        probed.push(picked.key);
        assert!(lanes.probe(answered).is_none(), "it is in flight");
        lanes.put_back(picked.key, History::default(), 0);
    }
    assert_eq!(probed, [1, 1, 2, 2, 3, 1].map(key));
}

#[test]
fn what_failed_since_the_last_success_is_due_when_the_subscriber_opens() {
    let mut lanes = lanes(&[(1, "north"), (2, "south")]);
    assert_eq!(take(&mut lanes, 0).len(), 2);
    lanes.put_back(key(1), failed_at(100, 900_000), 100);
    lanes.put_back(key(2), failed_at(300, 900_000), 300);
    lanes.open(Some(200), 400);
    assert_eq!(take(&mut lanes, 400), [key(2)]);
    lanes.open(None, 400);
    assert_eq!(take(&mut lanes, 400), [key(1)]);
}

#[test]
fn beyond_so_many_messages_only_the_keys_are_in_memory() {
    let mut lanes = Lanes::default();
    for number in 0..600 {
        lanes.insert(key(number), message("north"), None, MUCH, 0);
    }
    assert_eq!((lanes.len(), lanes.messages), (600, 512));
    for number in 0..600 {
        let picked = lanes.take(0).unwrap();
        assert_eq!(picked.key, key(number));
        assert_eq!(picked.message.is_some(), number < 512);
        lanes.remove(picked.key, 0);
    }
    let bytes = message("north").bytes();
    for number in 0..3 {
        lanes.insert(key(number), message("north"), None, 2 * bytes, 0);
    }
    assert_eq!((lanes.len(), lanes.messages), (3, 2));
}

#[test]
fn all_keys_and_the_oldest_are_known_whatever_is_under_way() {
    let mut lanes = lanes(&[(2, "north"), (1, "south"), (4, "north"), (3, "west")]);
    take(&mut lanes, 0);
    let mut keys: Vec<_> = lanes.keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, [1, 2, 3, 4].map(key));
    assert_eq!(lanes.oldest(), Some(key(1)));
}

#[test]
fn a_lane_is_free_until_each_has_something_in_flight() {
    let mut lanes = lanes(&[(1, "north"), (2, "south"), (3, "north")]);
    for number in [1, 2] {
        assert!(lanes.has_free());
        assert_eq!(lanes.take(0).map(|picked| picked.key), Some(key(number)));
    }
    assert!(!lanes.has_free());
    lanes.put_back(key(1), failed_at(0, 1_000), 0);
    assert!(lanes.has_free());
}

#[test]
fn a_message_that_was_let_go_of_leaves_its_room_to_another_one() {
    let bytes = message("north").bytes();
    let mut lanes = Lanes::default();
    let insert = |lanes: &mut Lanes, number| {
        lanes.insert(key(number), message("north"), None, 2 * bytes, 0);
    };
    for number in 1..=3 {
        insert(&mut lanes, number);
    }
    lanes.forget_message(key(2));
    lanes.forget_message(key(2));
    lanes.forget_message(key(9));
    insert(&mut lanes, 4);
    insert(&mut lanes, 5);
    assert_eq!((lanes.messages, lanes.bytes), (2, 2 * bytes));
    for (number, has_message) in [(1, true), (2, false), (3, false), (4, true), (5, false)] {
        let picked = lanes.take(0).unwrap();
        assert_eq!(picked.key, key(number));
        assert_eq!(picked.message.is_some(), has_message, "{number}");
        lanes.remove(picked.key, 0);
    }
    assert_eq!((lanes.messages, lanes.bytes), (0, 0));
}

#[test]
fn a_head_that_is_taken_out_leaves_the_next_one_its_own_time() {
    let mut lanes = lanes(&[(1, "north")]);
    let history = Some(failed_at(0, 1_000));
    lanes.insert(key(2), message("north"), history, MUCH, 0);
    assert!(lanes.remove(key(1), 0));
    assert_eq!(take(&mut lanes, 0), []);
    assert_eq!(lanes.due(0), Some(1_000));
    assert_eq!(take(&mut lanes, 1_000), [key(2)]);
}

#[test]
fn one_that_comes_late_and_is_not_due_holds_its_door_up() {
    let mut lanes = lanes(&[(5, "north")]);
    let history = Some(failed_at(0, 1_000));
    lanes.insert(key(3), message("north"), history, MUCH, 0);
    assert_eq!(take(&mut lanes, 0), []);
    assert_eq!(take(&mut lanes, 1_000), [key(3)]);
    lanes.remove(key(3), 1_000);
    assert_eq!(take(&mut lanes, 1_000), [key(5)]);
}

#[test]
fn doors_take_turns_in_the_order_in_which_they_came_to_be_due_whatever_was_taken_out() {
    let mut lanes = lanes(&[
        (1, "north"),
        (2, "south"),
        (3, "north"),
        (4, "north"),
        (5, "south"),
    ]);
    assert!(lanes.remove(key(3), 0));
    for number in [1, 2] {
        assert_eq!(lanes.take(0).map(|picked| picked.key), Some(key(number)));
    }
    assert!(lanes.remove(key(2), 0) && lanes.remove(key(1), 0));
    assert_eq!(take(&mut lanes, 0), [key(5), key(4)]);
}

#[test]
fn one_that_is_under_way_is_not_attempted_beside_when_another_of_its_door_is_taken_out() {
    let mut lanes = lanes(&[(1, "north"), (2, "north"), (3, "north")]);
    assert_eq!(take(&mut lanes, 0), [key(1)]);
    lanes.put_back(key(1), failed_at(0, 59_000), 0);
    assert_eq!(take(&mut lanes, 59_000), [key(1)]);
    // The minute of its door ends meanwhile.
    assert!(lanes.remove(key(2), 61_000));
    assert_eq!(take(&mut lanes, 61_000), []);
    lanes.put_back(key(1), failed_at(0, 90_000), 61_000);
    assert_eq!(take(&mut lanes, 61_000), [key(3)]);
}
