//! What of the store is read, and what is left to a later page.

use super::super::super::samples::record;
use super::*;

fn page(start: PageStart, numbers: &[u64], is_last: bool) -> Page {
    let records = numbers.iter();
    Page {
        start,
        records: records
            .map(|number| (key(*number), Some(record(&number.to_string()))))
            .collect(),
        is_last,
    }
}

#[test]
fn what_an_earlier_instance_has_left_is_read_page_by_page() {
    let mut queue = Queue::in_store(Health::default());
    assert!(queue.wants_page() && !queue.is_reading() && !queue.is_swept());
    let first = queue.begin_page();
    assert_eq!(first.after, None);
    assert!(!queue.wants_page() && queue.is_reading() && !queue.is_swept());

    queue.end_page(page(first, &[2, 4], false), MUCH, 0);
    assert_eq!(pending(&queue), [2, 4].map(key));
    assert!(queue.wants_page() && !queue.is_reading() && !queue.is_swept());

    let second = queue.begin_page();
    assert_eq!(second.after, Some(key(4)));
    queue.end_page(page(second, &[6], true), MUCH, 0);
    assert_eq!(pending(&queue), [2, 4, 6].map(key));
    assert!(!queue.wants_page() && !queue.is_reading() && queue.is_swept());
    assert!(!queue.contains(key(5)));
}

#[test]
fn a_subscriber_that_is_new_has_nothing_in_the_store() {
    let queue = queue(&["lobby"]);
    assert!(!queue.wants_page() && !queue.is_reading() && queue.is_swept());
    assert_eq!(pending(&queue), [key(1)]);
}

#[test]
fn what_is_committed_behind_what_was_read_is_left_to_its_page() {
    let mut queue = Queue::in_store(Health::default());
    queue.insert(key(9), message("lobby"), MUCH, 0);
    assert_eq!(pending(&queue), []);

    // The page was read before 7 was committed, or after.
    for (numbers, expected, is_swept) in [
        (&[1, 2][..], &[1, 2][..], false),
        (&[1, 2, 8], &[1, 2], false),
        (&[1, 2, 7, 8], &[1, 2, 7], false),
        (&[1, 2, 7], &[1, 2, 7], true),
    ] {
        let mut queue = Queue::in_store(Health::default());
        let start = queue.begin_page();
        queue.insert(key(7), message("lobby"), MUCH, 0);
        queue.insert(key(8), message("lobby"), MUCH, 0);
        assert_eq!(pending(&queue), []);
        queue.end_page(page(start, numbers, true), MUCH, 0);
        let expected: Vec<_> = expected.iter().copied().map(key).collect();
        assert_eq!(pending(&queue), expected, "{numbers:?}");
        assert_eq!(queue.is_swept(), is_swept, "{numbers:?}");
        if !is_swept {
            assert_eq!(queue.begin_page().after, expected.last().copied());
        }
    }
}

#[test]
fn what_is_committed_before_what_was_read_is_taken_in_at_once() {
    let mut queue = Queue::in_store(Health::default());
    let start = queue.begin_page();
    queue.end_page(page(start, &[1, 5], false), MUCH, 0);
    queue.insert(key(3), message("lobby"), MUCH, 0);
    assert_eq!(pending(&queue), [1, 3, 5].map(key));
    let start = queue.begin_page();
    queue.insert(key(2), message("lobby"), MUCH, 0);
    assert_eq!(pending(&queue), [1, 2, 3, 5].map(key));
    queue.end_page(page(start, &[], true), MUCH, 0);
    assert!(queue.is_swept(), "nothing was missed");
}

#[test]
fn a_record_that_cannot_be_read_is_passed_over() {
    let mut queue = Queue::in_store(Health::default());
    let start = queue.begin_page();
    let mut page = page(start, &[1, 2], false);
    page.records[1].1 = None;
    queue.end_page(page, MUCH, 0);
    assert_eq!(pending(&queue), [key(1)]);
    assert_eq!(queue.begin_page().after, Some(key(2)));
}

#[test]
fn a_page_that_could_not_be_read_is_asked_for_again() {
    let mut queue = Queue::in_store(Health::default());
    let first = queue.begin_page();
    queue.end_page(page(first, &[1], false), MUCH, 0);
    let second = queue.begin_page();
    queue.give_up_page(second);
    assert!(queue.wants_page() && !queue.is_reading());
    assert_eq!(queue.begin_page(), second);
}

#[test]
fn a_page_that_was_asked_for_before_the_subscriber_was_disabled_is_not_taken_in() {
    let mut queue = Queue::in_store(Health::default());
    let first = queue.begin_page();
    queue.end_page(page(first, &[1], false), MUCH, 0);
    let stale = queue.begin_page();
    disable(&mut queue);
    assert!(!queue.is_reading() && !queue.wants_page() && queue.is_swept());
    queue.end_page(page(stale, &[2], true), MUCH, 0);
    assert_eq!(pending(&queue), []);

    queue.open(10_000);
    assert!(queue.wants_page() && !queue.is_swept());
    let start = queue.begin_page();
    assert_eq!(start.after, None);
    queue.give_up_page(stale);
    queue.end_page(page(stale, &[2], true), MUCH, 10_000);
    assert_eq!(pending(&queue), []);
    assert!(queue.is_reading());
    queue.end_page(page(start, &[3], true), MUCH, 10_000);
    assert_eq!(pending(&queue), [key(3)]);
    assert!(queue.is_swept());
}

#[test]
fn a_disabled_subscriber_takes_nothing_in_until_it_is_opened_and_its_records_are_read() {
    let mut queue = queue(&["lobby", "vault"]);
    disable(&mut queue);
    queue.insert(key(3), message("lobby"), MUCH, 4_000);
    queue.restore(key(4), record("lobby"), MUCH, 4_000);
    assert_eq!(pending(&queue), []);
    assert_eq!(queue.next_start(1 << 40), Start::Never);
    assert!(queue.start(1 << 40).is_none());

    queue.open(5_000);
    queue.insert(key(5), message("lobby"), MUCH, 5_000);
    assert_eq!(pending(&queue), [], "it is in a page");
    let start = queue.begin_page();
    queue.end_page(page(start, &[1, 2, 3, 4, 5], true), MUCH, 5_000);
    assert_eq!(queue.next_start(5_000), Start::At(5_000));
    assert_eq!(queue.pending(), 5);
}
