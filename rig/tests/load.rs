//! The scenarios of the load, at their smallest. Each asserts by itself that every delivery comes, and comes
//! once; what is asserted here is that figures come out of it. How large they are is for benchmarks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;
use std::sync::atomic::AtomicU64;

use rig::load::{self, Effort, Machine, Scenario, Section, Stage, Whom};

/// Measures one scenario, with the driver as its own peer.
async fn measure(scenario: Scenario) -> Section {
    let bare = Path::new(env!("CARGO_BIN_EXE_bare-client"));
    let slot = bare.with_file_name("placeos-slot");
    assert!(
        slot.exists(),
        "there is no {}: run `cargo xtask build`",
        slot.display()
    );
    // `cargo xtask build` has put there what each engine does.
    let micro = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/micro/tests");
    let stage = Stage {
        micro: Some(micro),
        peer: Some(slot.clone()),
        sizes: vec![("bare client".to_owned(), bare.to_owned())],
        fetched: vec![bare.to_owned()],
        slot,
        bare: bare.to_owned(),
        effort: Effort::LEAST,
        next: AtomicU64::new(0),
    };
    let report = load::run(&stage, &[scenario], Machine::this(Vec::new())).await;
    let [section] = report.sections.try_into().unwrap();
    assert!(!section.figures.is_empty());
    for figure in &section.figures {
        assert!(figure.ours.median.is_finite(), "{figure:?}");
    }
    section
}

/// How many figures have this one beside them.
fn beside(section: &Section, whom: Whom) -> usize {
    let has = |figure: &&load::Figure| figure.beside.iter().any(|beside| beside.whom == whom);
    section.figures.iter().filter(has).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_comes_to_all_from_everybody() {
    let section = measure(Scenario::Burst).await;
    // The median and the slowest hundredth of six kinds, each by both faces.
    assert_eq!(section.figures.len(), 24);
    assert_eq!(beside(&section, Whom::Bare), 24);
    assert_eq!(beside(&section, Whom::Peer), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_comes_to_all_beside_those_that_get_nothing() {
    let section = measure(Scenario::Neighbours).await;
    assert_eq!(beside(&section, Whom::Alone), section.figures.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_without_end_come_once_each() {
    let section = measure(Scenario::Sustained).await;
    assert_eq!(beside(&section, Whom::Bare), section.figures.len());
    // What goes through a gateway has none.
    assert_eq!(2 * beside(&section, Whom::Peer), section.figures.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_accepted_in_either_store() {
    let section = measure(Scenario::Accepted).await;
    assert_eq!(section.figures.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_is_answered_as_it_should() {
    let section = measure(Scenario::Verbs).await;
    let through = |figure: &&load::Figure| figure.what.contains("gateway");
    assert_eq!(section.figures.iter().filter(through).count(), 10);
    assert_eq!(beside(&section, Whom::Peer), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_ends_with_a_delivery() {
    let section = measure(Scenario::Start).await;
    let figures = |part: &str| {
        let has = |figure: &&load::Figure| figure.what.contains(part);
        section.figures.iter().filter(has).count()
    };
    assert_eq!((figures("spawn"), figures("memory")), (3, 3));
    assert_eq!(figures("bare client"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_engine_comes_to_what_native_code_comes_to() {
    let section = measure(Scenario::Sandbox).await;
    // Five kinds of work in three engines; three ways to call the driver, and of each three figures.
    assert_eq!(section.figures.len(), 24);
    assert_eq!(beside(&section, Whom::Native), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn curves_have_a_point_for_each_size() {
    let section = measure(Scenario::Growth).await;
    let points: Vec<_> = section
        .curves
        .iter()
        .map(|curve| curve.points.len())
        .collect();
    assert_eq!(points, [5, 5, 5, 6, 6, 6, 5, 5, 4]);
    for curve in &section.curves {
        assert!(curve.to_svg().ends_with("</svg>\n"));
    }
}
