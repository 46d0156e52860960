//! Whose turn it is.

use std::time::Duration;

use super::super::queue::{Outcome, Page};
use super::super::samples::{key, message, record, subscriber};
use super::super::verdict::Verdict;
use super::*;

/// So many subscribers, each of which has a delivery for each of so many doors.
fn outbox(subscribers: u64, doors: u64) -> Outbox {
    let mut outbox = Outbox::default();
    for number in 1..=subscribers {
        outbox.add(subscriber(number));
        for door in 1..=doors {
            insert(&mut outbox, number, door, &door.to_string());
        }
    }
    outbox
}

fn insert(outbox: &mut Outbox, to: u64, number: u64, door: &str) {
    outbox.with(subscriber(to), 0, |queue, bytes| {
        queue.insert(key(number), message(door), bytes, 0);
    });
}

/// Whom the attempts are made to that may start at `time`.
fn start_all(outbox: &mut Outbox, time: u64) -> Vec<(SubscriptionId, Flight)> {
    let starts = std::iter::from_fn(|| outbox.start(time));
    starts.map(|(id, flight, _)| (id, flight)).collect()
}

fn end(outbox: &mut Outbox, (id, flight): (SubscriptionId, Flight), verdict: Verdict, time: u64) {
    let ended = outbox.with(id, time, |queue, _| {
        queue.end(flight, verdict, "why", 0, time)
    });
    assert!(ended.is_some());
}

fn restored(subscribers: u64) -> Outbox {
    let mut outbox = Outbox::default();
    for number in 1..=subscribers {
        outbox.restore(subscriber(number), Health::default(), 0);
    }
    outbox
}

fn end_page(outbox: &mut Outbox, id: SubscriptionId, start: PageStart, is_last: bool) {
    let next = start.after.map_or(key(1), |after| after.next(0));
    let page = Page {
        start,
        records: vec![(next, Some(record("lobby")))],
        is_last,
    };
    outbox.with(id, 0, |queue, bytes| queue.end_page(page, bytes, 0));
}

#[test]
fn the_subscriber_with_the_fewest_attempts_in_flight_is_next() {
    let mut outbox = outbox(2, 3);
    let started = start_all(&mut outbox, 0);
    let order: Vec<_> = started.iter().map(|(id, _)| *id).collect();
    assert_eq!(order, [1, 2, 1, 2, 1, 2].map(subscriber));
    end(&mut outbox, started[1], Verdict::Delivered, 0);
    insert(&mut outbox, 1, 9, "new");
    insert(&mut outbox, 2, 9, "new");
    let order: Vec<_> = start_all(&mut outbox, 0)
        .iter()
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(order, [2, 1].map(subscriber));
}

#[test]
fn no_more_than_2048_attempts_are_in_flight() {
    let mut outbox = outbox(65, 32);
    let mut started = start_all(&mut outbox, 0);
    assert_eq!(started.len(), 2048);
    end(&mut outbox, started.remove(0), Verdict::Delivered, 0);
    started.extend(start_all(&mut outbox, 0));
    assert_eq!(started.len(), 2048);
    // A subscriber that is removed makes room for all that was in flight to it.
    outbox.forget(subscriber(65));
    started.retain(|(id, _)| *id != subscriber(65));
    started.extend(start_all(&mut outbox, 0));
    assert_eq!(started.len(), 2047, "all that the others have");
}

#[test]
fn an_attempt_that_failed_starts_again_when_its_time_has_come() {
    let mut outbox = outbox(2, 1);
    assert_eq!(outbox.next_start(), None);
    let started = start_all(&mut outbox, 0);
    end(&mut outbox, started[0], Verdict::Failed, 100);
    end(&mut outbox, started[1], Verdict::Failed, 50);
    assert_eq!(outbox.next_start(), Some(850));
    assert!(start_all(&mut outbox, 849).is_empty());
    assert_eq!(start_all(&mut outbox, 850)[0].0, subscriber(2));
    assert_eq!(outbox.next_start(), Some(900));
    assert_eq!(start_all(&mut outbox, 900)[0].0, subscriber(1));
}

#[test]
fn subscribers_share_sixteen_mebibytes_and_each_has_at_least_64_kibibytes() {
    let mut outbox = Outbox::default();
    for (count, bytes) in [(1, 16 << 20), (4, 4 << 20), (256, 65_536), (300, 65_536)] {
        (1..=count).map(subscriber).for_each(|id| outbox.add(id));
        let found = outbox.with(subscriber(1), 0, |_, bytes| bytes);
        assert_eq!(found, Some(bytes), "{count}");
    }
    assert_eq!(outbox.with(subscriber(301), 0, |_, bytes| bytes), None);
}

#[test]
fn four_pages_of_the_store_are_read_at_once_for_whoever_has_more_there() {
    let mut outbox = restored(6);
    let first = outbox.begin_pages();
    let who: Vec<_> = first.iter().map(|(id, _)| *id).collect();
    assert_eq!(who, [1, 2, 3, 4].map(subscriber));
    assert!(outbox.begin_pages().is_empty());

    let (id, start) = first[0];
    end_page(&mut outbox, id, start, false);
    let (id, start) = first[1];
    end_page(&mut outbox, id, start, true);
    let second = outbox.begin_pages();
    let who: Vec<_> = second.iter().map(|(id, _)| *id).collect();
    assert_eq!(who, [1, 5].map(subscriber));
    assert_eq!(second[0].1.after, Some(key(1)), "it follows the first page");
    assert_eq!((outbox.pending(), outbox.is_swept()), (2, false));

    for (id, start) in first[2..].iter().chain(&second) {
        end_page(&mut outbox, *id, *start, true);
    }
    let third = outbox.begin_pages();
    assert_eq!(third.len(), 1);
    let (id, start) = third[0];
    assert_eq!((id, outbox.is_swept()), (subscriber(6), false));
    end_page(&mut outbox, id, start, true);
    assert!(outbox.begin_pages().is_empty());
    assert_eq!((outbox.pending(), outbox.is_swept()), (7, true));
}

#[test]
fn a_subscriber_that_is_disabled_while_its_page_is_read_holds_up_no_other_ones_page() {
    let mut outbox = restored(5);
    let first = outbox.begin_pages();
    for (id, start) in &first {
        end_page(&mut outbox, *id, *start, false);
    }
    let second = outbox.begin_pages();
    assert_eq!(second.len(), 4);
    for (id, start) in second {
        for time in [0, 1_000, 3_000] {
            let (flight, _) = outbox
                .with(id, time, |queue, _| queue.start(time))
                .flatten()
                .unwrap();
            end(&mut outbox, (id, flight), Verdict::Gone, time);
        }
        end_page(&mut outbox, id, start, true);
    }
    let third = outbox.begin_pages();
    assert_eq!(third.len(), 1);
    assert_eq!(third[0].0, subscriber(5));
}

#[test]
fn what_is_pending_is_counted_over_all_subscribers_and_the_oldest_is_known() {
    let mut outbox = Outbox::default();
    assert_eq!((outbox.pending(), outbox.oldest()), (0, None));
    assert!(outbox.is_swept());
    for id in [1, 2] {
        outbox.add(subscriber(id));
    }
    for (to, number) in [(1, 40), (1, 20), (2, 30), (2, 10), (1, 50), (2, 20)] {
        insert(&mut outbox, to, number, "lobby");
    }
    assert_eq!(outbox.pending(), 6);
    assert_eq!(outbox.oldest(), Some((key(10), subscriber(2))));
    let order = [(10, 2), (20, 1), (20, 2), (30, 2), (40, 1), (50, 1)];
    for count in 0..=7 {
        let oldest = outbox.oldest_of(count);
        let expected = order.iter().take(count);
        let expected = expected.map(|(number, id)| (key(*number), subscriber(*id)));
        assert!(oldest.iter().copied().eq(expected), "{count}");
    }
    outbox.with(subscriber(2), 0, |queue, _| queue.remove(key(10), 0));
    assert_eq!(outbox.pending(), 5);
    outbox.forget(subscriber(2));
    assert_eq!(outbox.pending(), 3);
    assert_eq!(outbox.oldest(), Some((key(20), subscriber(1))));
}

#[test]
fn a_subscriber_is_here_from_when_it_is_added_until_it_is_forgotten() {
    let mut outbox = outbox(2, 1);
    outbox.add(subscriber(1));
    assert_eq!(outbox.get(subscriber(1)).map(Queue::pending), Some(1));
    let ids: Vec<_> = outbox.queues().map(|(id, _)| id).collect();
    assert_eq!(ids, [1, 2].map(subscriber));
    assert!(
        outbox
            .queues()
            .all(|(_, queue)| queue.contains(key(1)) && queue.in_flight() == 0)
    );

    let started = start_all(&mut outbox, 0);
    outbox.forget(subscriber(1));
    assert!(outbox.get(subscriber(1)).is_none());
    // The end of its attempt finds nobody.
    let (id, flight) = started[0];
    let ended = outbox.with(id, 0, |queue, _| {
        queue.end(flight, Verdict::Delivered, "", 0, 0)
    });
    assert_eq!(ended, None);
    assert_eq!(outbox.next_start(), None);
}

#[test]
fn what_an_earlier_instance_knew_of_a_subscriber_is_gone_on_with() {
    let mut health = Health::default();
    let flight = Flight {
        key: None,
        is_probe: false,
    };
    let busy = Verdict::Busy(Duration::from_secs(60));
    health.end(busy, flight, "why", 0);
    let mut outbox = Outbox::default();
    outbox.restore(subscriber(1), health, 0);
    assert!(outbox.next_start().is_none(), "nothing to probe with");
    let (id, start) = outbox.begin_pages()[0];
    end_page(&mut outbox, id, start, true);
    assert_eq!(outbox.next_start(), Some(60_000));
    let probe = start_all(&mut outbox, 60_000)[0];
    assert!(probe.1.is_probe);
    let outcome = outbox.with(id, 60_000, |queue, _| {
        queue.end(probe.1, Verdict::Delivered, "", 0, 60_000).0
    });
    assert_eq!(outcome, Some(Outcome::Delivered));
}
