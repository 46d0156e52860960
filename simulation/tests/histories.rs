//! A thousand random histories, and not one breaks a law. A seed that does is printed, and replays.

use simulation::many;

#[test]
fn a_thousand_histories_break_no_law() {
    let summary = many::run(1, 1000);
    let broken = summary.broken.iter();
    let broken: Vec<_> = broken
        .map(|broken| format!("seed {}: {}", broken.seed, broken.what))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
    assert_eq!(summary.histories, 1000);
    assert!(summary.total.events > 0 && summary.total.attempts > 0);
}
