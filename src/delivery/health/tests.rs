//! A subscriber's health, without a clock.

use std::time::Duration;

use super::*;

const BUSY: Verdict = Verdict::Busy(Duration::ZERO);

fn key(number: u64) -> Key {
    Key::ZERO.next(number)
}

fn end(health: &mut Health, verdict: Verdict, is_probe: bool, time: u64) -> Turn {
    let key = Some(key(time));
    health.end(
        verdict,
        Flight { key, is_probe },
        &format!("{verdict:?}"),
        time,
    )
}

fn probe_at(health: &Health) -> u64 {
    match health.gate() {
        Gate::Probe { at, .. } => at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn eight_failures_in_a_row_pause_and_a_success_between_does_not_let_them() {
    let mut health = Health::default();
    for time in 0..7 {
        assert_eq!(end(&mut health, Verdict::Failed, false, time), Turn::None);
    }
    assert_eq!(end(&mut health, Verdict::Delivered, false, 7), Turn::None);
    for time in 8..15 {
        assert_eq!(
            end(&mut health, Verdict::Unanswered, false, time),
            Turn::None
        );
    }
    assert_eq!(end(&mut health, Verdict::Failed, false, 15), Turn::Paused);
    assert_eq!((health.name(), health.why()), ("paused", Some("Failed")));
}

#[test]
fn one_that_is_busy_is_paused_for_as_long_as_it_wants() {
    let mut health = Health::default();
    let wanted = Verdict::Busy(Duration::from_secs(90));
    assert_eq!(end(&mut health, wanted, false, 1_000), Turn::Paused);
    assert_eq!(probe_at(&health), 91_000);
    end(&mut health, BUSY, true, 91_000);
    assert_eq!(probe_at(&health), 93_000, "the second wait is two seconds");
}

#[test]
fn probes_wait_longer_each_time_up_to_a_minute_and_after_a_week_an_hour() {
    let mut health = Health::default();
    end(&mut health, BUSY, false, 0);
    let mut waits = vec![probe_at(&health)];
    for _ in 0..7 {
        let at = probe_at(&health);
        end(&mut health, Verdict::Unanswered, true, at);
        waits.push(probe_at(&health) - at);
    }
    let seconds = [1, 2, 4, 8, 16, 32, 60, 60].map(|wait| wait * 1000);
    assert_eq!(waits, seconds);
    for _ in 7..PROBES_A_WEEK {
        let at = probe_at(&health);
        end(&mut health, Verdict::Unanswered, true, at);
    }
    let at = probe_at(&health);
    end(&mut health, Verdict::Unanswered, true, at);
    assert_eq!(probe_at(&health) - at, HOURLY);
    assert!(health.is_given_up() && !health.is_disabled());
}

#[test]
fn any_success_opens_it_and_one_more_attempt_may_be_in_flight_after_each() {
    let mut health = Health::default();
    assert_eq!(health.gate(), Gate::Open(32));
    end(&mut health, Verdict::Delivered, false, 5);
    end(&mut health, BUSY, false, 10);
    let opened = end(&mut health, Verdict::Delivered, false, 20);
    let healthy_at = Some(5);
    assert_eq!(opened, Turn::Opened { healthy_at });
    assert_eq!(health.gate(), Gate::Open(1));
    for window in (2..=32).chain([32]) {
        end(&mut health, Verdict::Delivered, false, 30);
        assert_eq!(health.gate(), Gate::Open(window));
    }
}

#[test]
fn open_time_stands_still_while_it_is_paused() {
    let mut health = Health::default();
    assert_eq!(health.open_time(100), 100);
    end(&mut health, BUSY, false, 100);
    assert_eq!(health.open_time(5_000), 100);
    end(&mut health, Verdict::Delivered, true, 5_000);
    assert_eq!(health.open_time(5_001), 101);
}

#[test]
fn the_third_time_in_a_row_that_it_is_gone_disables_it() {
    let mut health = Health::default();
    assert_eq!(end(&mut health, Verdict::Gone, false, 0), Turn::Paused);
    // They were under way together with the first: they are not a second and a third time.
    assert_eq!(end(&mut health, Verdict::Gone, false, 1), Turn::None);
    assert_eq!(end(&mut health, Verdict::Gone, false, 2), Turn::None);
    assert_eq!(end(&mut health, Verdict::Gone, true, 1_000), Turn::None);
    assert_eq!(end(&mut health, Verdict::Failed, true, 3_000), Turn::None);
    assert_eq!(end(&mut health, Verdict::Gone, true, 7_000), Turn::None);
    assert_eq!(end(&mut health, Verdict::Gone, true, 15_000), Turn::None);
    let third = end(&mut health, Verdict::Gone, true, 31_000);
    assert_eq!((third, health.gate()), (Turn::Disabled, Gate::Shut));
    assert_eq!(
        end(&mut health, Verdict::Delivered, false, 32_000),
        Turn::None
    );
    let healthy_at = None;
    assert_eq!(health.open(40_000), Turn::Opened { healthy_at });
}

#[test]
fn eight_deliveries_whose_body_is_not_wanted_mean_the_receiver_and_one_again_and_again_does_not() {
    let mut health = Health::default();
    for time in 0..20 {
        let turn = end(&mut health, Verdict::Unwelcome, false, time % 7);
        assert_eq!(turn, Turn::None);
    }
    let eighth = end(&mut health, Verdict::Unwelcome, false, 7);
    assert_eq!(eighth, Turn::Paused);
}

#[test]
fn what_a_record_says_is_what_the_next_instance_goes_on_with() {
    let open = HealthRecord {
        v: Version,
        is_disabled: false,
        pause: None,
        failures: 5,
        unwelcome: vec![key(1).to_string(), key(2).to_string()],
        gone: 2,
        paused_for: 30_000,
        healthy_at: Some(40_000),
        why: Some("the receiver answered 503".to_owned()),
    };
    let pause = PauseRecord {
        since: 80_000,
        probes: 3,
        answered: 2,
        wait: 8_000,
        next_probe: 95_000,
        is_blocked: true,
    };
    let paused = HealthRecord {
        pause: Some(pause),
        ..open.clone()
    };
    let disabled = HealthRecord {
        is_disabled: true,
        ..open.clone()
    };
    for record in [open, paused, disabled] {
        let health = Health::restored(record.clone(), 90_000);
        assert_eq!(health.record(|time| time), record);
    }
}

#[test]
fn the_last_success_is_no_later_than_the_open_time_that_there_was() {
    let mut health = Health::default();
    end(&mut health, BUSY, false, 10_000);
    end(&mut health, Verdict::Delivered, true, 40_000);
    end(&mut health, Verdict::Delivered, false, 90_000);
    let mut earlier = Health::restored(health.record(|time| time), 50_000);
    end(&mut earlier, BUSY, false, 50_000);
    let healthy_at = Some(20_000);
    assert_eq!(earlier.open(50_000), Turn::Opened { healthy_at });
}

#[test]
fn it_is_to_be_saved_when_it_has_changed_and_else_not() {
    let mut health = Health::default();
    for (verdict, is_changed) in [
        (Verdict::Delivered, false),
        (Verdict::Failed, true),
        (Verdict::Delivered, true),
        (Verdict::Delivered, false),
        (Verdict::Unwelcome, true),
        (Verdict::Delivered, true),
        (Verdict::Delivered, false),
    ] {
        end(&mut health, verdict, false, 1_000);
        assert_eq!(health.take_unsaved(), is_changed, "{verdict:?}");
        assert!(!health.take_unsaved(), "it was told");
    }
    health.mark_unsaved();
    assert!(health.take_unsaved());
}

#[test]
fn it_is_refused_as_long_as_it_is_the_egress_rule_that_holds_it() {
    let mut health = Health::default();
    let mut names = Vec::new();
    for verdict in [
        Verdict::Blocked,
        Verdict::Blocked,
        Verdict::Failed,
        Verdict::Blocked,
    ] {
        let is_probe = health.paused_since().is_some();
        end(&mut health, verdict, is_probe, 1_000);
        names.push(health.name());
    }
    assert_eq!(names, ["refused", "refused", "paused", "refused"]);
}

#[test]
fn what_it_was_is_restored_even_if_the_clock_is_another_one() {
    let mut health = Health::default();
    end(&mut health, Verdict::Delivered, false, 86_400_000);
    end(&mut health, Verdict::Gone, false, 86_401_000);
    end(&mut health, Verdict::Gone, true, 86_402_000);
    let record = || health.record(|time| time);
    let later = Health::restored(record(), 86_402_500);
    assert_eq!(probe_at(&later), 86_404_000);
    assert_eq!(later.open_time(86_402_500), 86_401_000);
    let mut earlier = Health::restored(record(), 1_000);
    assert_eq!(probe_at(&earlier), 3_000);
    assert_eq!(
        end(&mut earlier, Verdict::Gone, true, 3_000),
        Turn::Disabled
    );
}
