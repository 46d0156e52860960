//! When an attempt may start, and what its end does.

use super::*;

#[test]
fn thirty_two_attempts_are_made_at_once_and_a_test_event_is_one_of_them() {
    let doors: Vec<_> = (0..34).map(|number| number.to_string()).collect();
    let doors: Vec<_> = doors.iter().map(String::as_str).collect();
    let mut queue = queue(&doors);
    let mut flights: Vec<_> = (0..31).map(|_| start(&mut queue, 0)).collect();
    assert!(flights.iter().all(|flight| !flight.is_probe));
    let test = queue.start_test().unwrap();
    assert_eq!((test.key, test.is_probe), (None, false));
    assert_eq!(queue.in_flight(), 32);
    assert_eq!(queue.next_start(0), Start::Never);
    assert!(queue.start(0).is_none() && queue.start_test().is_none());

    assert_eq!(end(&mut queue, test, Verdict::Delivered, 1), Outcome::Gone);
    assert_eq!(queue.next_start(1), Start::At(1));
    flights.push(start(&mut queue, 1));
    assert_eq!((queue.in_flight(), queue.pending()), (32, 34));
    for flight in flights {
        let outcome = end(&mut queue, flight, Verdict::Delivered, 2);
        assert_eq!(outcome, Outcome::Delivered);
    }
    assert_eq!((queue.in_flight(), queue.pending()), (0, 2));
}

#[test]
fn a_paused_subscriber_gets_one_probe_at_a_time() {
    let mut queue = queue(&["lobby", "vault", "dock"]);
    let [first, other] = [(); 2].map(|()| start(&mut queue, 0));
    pause(&mut queue, first, 0);
    assert_eq!(queue.next_start(0), Start::At(1_000));
    assert!(queue.start(999).is_none());
    let probe = start(&mut queue, 1_000);
    assert!(probe.is_probe);
    assert_eq!(queue.next_start(1_000), Start::Never);
    // One that was under way before is not what is waited for.
    end(&mut queue, other, Verdict::Failed, 1_500);
    assert_eq!(queue.next_start(9_000), Start::Never);
    assert!(queue.start_test().is_none());
    assert_eq!(
        end(&mut queue, probe, Verdict::Failed, 2_000),
        Outcome::Unchanged
    );
    assert_eq!(queue.next_start(2_000), Start::At(4_000));
    let test = queue.start_test().unwrap();
    assert!(test.is_probe, "a test event may be the probe, at any time");
    assert_eq!(queue.next_start(9_000), Start::Never);
    let (_, turn) = queue.end(test, Verdict::Delivered, "", 0, 9_000);
    assert_eq!(turn, Turn::Opened { healthy_at: None });
    assert!(!start(&mut queue, 9_000).is_probe);
}

#[test]
fn nothing_is_probed_with_while_all_that_is_pending_is_under_way() {
    let mut queue = queue(&["lobby", "lobby"]);
    let delivery = start(&mut queue, 0);
    let test = queue.start_test().unwrap();
    let busy = Verdict::Busy(Duration::ZERO);
    queue.end(test, busy, "why", 0, 0);
    assert_eq!(queue.next_start(1_000), Start::Never);
    end(&mut queue, delivery, Verdict::Failed, 1_000);
    assert_eq!(queue.next_start(1_000), Start::At(1_000));
}

#[test]
fn a_disabled_subscriber_gets_test_events_and_nothing_else() {
    let mut queue = queue(&["lobby"]);
    disable(&mut queue);
    let test = queue.start_test().unwrap();
    assert_eq!((test.key, test.is_probe), (None, false));
    assert_eq!(
        end(&mut queue, test, Verdict::Delivered, 4_000),
        Outcome::Gone
    );
    assert!(queue.health.is_disabled());
}

#[test]
fn each_answer_has_its_outcome() {
    let busy = Verdict::Busy(Duration::ZERO);
    let failed = |time| History {
        attempts: 1,
        next: time + 800,
        first_failed: Some(time),
        last_failed: Some(time),
        ..History::default()
    };
    let unwelcome = |time| History {
        unwelcome: 1,
        ..failed(time)
    };
    for (verdict, outcome, is_pending) in [
        (Verdict::Delivered, Outcome::Delivered, false),
        (Verdict::Failed, Outcome::Again(failed(7)), true),
        (Verdict::Unanswered, Outcome::Again(failed(7)), true),
        (Verdict::Gone, Outcome::Again(failed(7)), true),
        (Verdict::Unwelcome, Outcome::Again(unwelcome(7)), true),
        (Verdict::Blocked, Outcome::Unchanged, true),
        (busy, Outcome::Unchanged, true),
    ] {
        let mut queue = queue(&["lobby"]);
        let flight = start(&mut queue, 7);
        assert_eq!(end(&mut queue, flight, verdict, 7), outcome);
        assert_eq!(queue.contains(key(1)), is_pending, "{verdict:?}");
        assert_eq!(queue.in_flight(), 0);
    }
}

#[test]
fn an_attempt_is_made_again_after_its_wait_in_the_time_that_the_subscriber_is_open() {
    let mut queue = queue(&["lobby", "vault"]);
    let flight = start(&mut queue, 100);
    pause(&mut queue, flight, 100);
    let probe = start(&mut queue, 5_000);
    end(&mut queue, probe, Verdict::Delivered, 5_000);
    let flight = start(&mut queue, 6_000);
    let outcome = end(&mut queue, flight, Verdict::Failed, 6_000);
    // It was paused for 4,900 ms.
    let history = History {
        attempts: 1,
        next: 1_900,
        first_failed: Some(1_100),
        last_failed: Some(1_100),
        ..History::default()
    };
    assert_eq!(outcome, Outcome::Again(history));
    assert_eq!(queue.next_start(6_100), Start::At(6_800));
    assert!(queue.start(6_799).is_none());
    let flight = start(&mut queue, 6_800);
    let outcome = end(&mut queue, flight, Verdict::Failed, 6_900);
    let history = History {
        attempts: 2,
        next: 6_000,
        last_failed: Some(2_000),
        ..history
    };
    assert_eq!(outcome, Outcome::Again(history));
}

#[test]
fn a_delivery_is_given_up_after_eighty_attempts_or_when_its_body_was_not_wanted_three_times() {
    for (verdict, attempts) in [(Verdict::Failed, 80), (Verdict::Unwelcome, 3)] {
        let mut queue = queue(&["lobby", "vault"]);
        let mut time = 0;
        for attempt in 1..=attempts {
            // Others succeed, so that the subscriber is not paused.
            let test = queue.start_test().unwrap();
            end(&mut queue, test, Verdict::Delivered, time);
            let (flight, picked) = queue.start(time).unwrap();
            assert_eq!(picked.key, key(1));
            let is_dead = matches!(end(&mut queue, flight, verdict, time), Outcome::Dead(count) if count == attempts);
            assert_eq!(is_dead, attempt == attempts, "{verdict:?}, {attempt}");
            if attempt == 1 {
                let (other, _) = queue.start(time).unwrap();
                end(&mut queue, other, Verdict::Delivered, time);
            }
            time += 4_000_000;
        }
        assert_eq!(queue.pending(), 0);
    }
}

#[test]
fn a_probe_is_no_attempt_but_its_answer_that_the_body_is_not_wanted_counts() {
    let mut queue = queue(&["lobby"]);
    let flight = start(&mut queue, 0);
    pause(&mut queue, flight, 0);
    let probe = start(&mut queue, 1_000);
    assert_eq!(
        end(&mut queue, probe, Verdict::Unanswered, 1_000),
        Outcome::Unchanged
    );
    for (time, unwelcome) in [(3_000, 1), (10_000, 2)] {
        let probe = start(&mut queue, time);
        let history = History {
            unwelcome,
            ..History::default()
        };
        assert_eq!(
            end(&mut queue, probe, Verdict::Unwelcome, time),
            Outcome::Again(history)
        );
    }
    let probe = start(&mut queue, 60_000);
    let outcome = end(&mut queue, probe, Verdict::Unwelcome, 60_000);
    assert_eq!(outcome, Outcome::Dead(0));
}

#[test]
fn an_attempt_of_what_was_discarded_meanwhile_comes_to_nothing() {
    let mut queue = queue(&["lobby"]);
    let flight = start(&mut queue, 0);
    assert!(queue.remove(key(1), 0));
    assert!(!queue.remove(key(1), 0));
    assert_eq!(end(&mut queue, flight, Verdict::Failed, 1), Outcome::Gone);
    assert_eq!((queue.in_flight(), queue.pending()), (0, 0));
}

#[test]
fn the_answer_that_disables_a_subscriber_takes_all_that_is_pending() {
    let mut queue = queue(&["lobby", "vault"]);
    for time in [0, 1_000] {
        let flight = start(&mut queue, time);
        let outcome = end(&mut queue, flight, Verdict::Gone, time);
        assert_ne!(outcome, Outcome::Gone);
    }
    let flight = start(&mut queue, 3_000);
    let (outcome, turn) = queue.end(flight, Verdict::Gone, "", 0, 3_000);
    assert_eq!((outcome, turn), (Outcome::Gone, Turn::Disabled));
    assert_eq!((queue.in_flight(), queue.pending()), (0, 0));
}

#[test]
fn what_could_not_be_read_from_the_store_is_tried_again_after_a_pause_and_nothing_is_meanwhile() {
    let mut queue = queue(&["lobby", "vault"]);
    let flight = start(&mut queue, 0);
    queue.end_unsent(flight, 2_000, 1_000);
    assert_eq!((queue.in_flight(), queue.pending()), (0, 2));
    assert_eq!(queue.next_start(1_000), Start::At(2_000));
    assert!(queue.start(1_999).is_none());
    for number in [2, 1] {
        let flight = start(&mut queue, 2_000);
        assert_eq!(flight.key, Some(key(number)));
    }
}

#[test]
fn what_the_store_does_not_have_any_more_is_forgotten() {
    let mut queue = queue(&["lobby", "lobby"]);
    let flight = start(&mut queue, 0);
    queue.end_missing(flight, 0);
    assert_eq!(queue.in_flight(), 0);
    assert_eq!(pending(&queue), [key(2)]);
    assert_eq!(start(&mut queue, 0).key, Some(key(2)));
}

#[test]
fn a_message_that_is_let_go_of_is_read_when_it_is_attempted() {
    let mut queue = queue(&["lobby", "vault"]);
    queue.forget_message(key(2));
    let has_message = [(); 2].map(|()| queue.start(0).unwrap().1.message.is_some());
    assert_eq!(has_message, [true, false]);
}

#[test]
fn nothing_starts_while_the_egress_rule_forbids_the_url() {
    let mut queue = queue(&["lobby"]);
    queue.set_refused(true);
    assert_eq!(queue.next_start(0), Start::Never);
    assert!(queue.start(0).is_none());
    queue.set_refused(false);
    assert_eq!(queue.next_start(0), Start::At(0));
    assert!(queue.start(0).is_some());
}

#[test]
fn what_has_failed_is_due_at_once_when_an_operator_opens_the_subscriber() {
    let mut queue = queue(&["lobby"]);
    let flight = start(&mut queue, 0);
    end(&mut queue, flight, Verdict::Failed, 0);
    assert_eq!(queue.next_start(0), Start::At(800));
    let test = queue.start_test().unwrap();
    queue.end(test, Verdict::Busy(Duration::from_secs(60)), "", 0, 100);
    assert_eq!(queue.next_start(100), Start::At(60_100));
    queue.open(500);
    assert_eq!(queue.next_start(500), Start::At(500));
    assert!(!start(&mut queue, 500).is_probe);
}
