//! How time, cost and memory grow with what a building has.

mod doors;
mod pending;
mod subscribers;

use crate::load::report::{Curve, Figure, Section, Target};
use crate::load::stage::Stage;
use crate::load::stats::bend;

/// How much steeper the last part of a curve may be than all of it. Measurements scatter; what grows with
/// the square of something has 1.5 and more here.
const BEND: f64 = 1.3;

pub(in crate::load) async fn growth(stage: &Stage) -> Section {
    let mut curves = subscribers::curves(stage).await;
    curves.extend(doors::curves(stage).await);
    curves.extend(pending::curves(stage).await);
    Section {
        name: "growth",
        title: "Growth",
        how: vec![
            "Core's process, with more and more of one thing and all else equal. A figure is how much steeper the \
             last part of the curve is than all of it: 1 is a straight line, less is better than one, and 0 a \
             curve that does not rise. The points are in `benchmarks/results.json`.",
        ],
        figures: curves.iter().map(straightness).collect(),
        curves,
        ..Section::default()
    }
}

fn straightness(curve: &Curve) -> Figure {
    Figure::new(&curve.title, "of a line", &[bend(&curve.points)]).target(Target::AtMost(BEND))
}

/// Curves across the same thing, without points yet.
fn curves<const N: usize>(across: &'static str, kinds: [(&str, &'static str); N]) -> [Curve; N] {
    kinds.map(|(title, up)| Curve {
        title: title.to_owned(),
        across,
        up,
        points: Vec::new(),
    })
}

/// Adds a point to each.
fn add<const N: usize>(curves: &mut [Curve; N], at: usize, values: [f64; N]) {
    for (curve, value) in curves.iter_mut().zip(values) {
        curve.points.push((at as f64, value));
    }
}
