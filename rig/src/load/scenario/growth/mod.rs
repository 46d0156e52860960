//! How time, cost and memory grow with what a building has.

mod doors;
mod pending;
mod subscribers;

use crate::load::report::{Curve, Figure, Section, Target};
use crate::load::stage::Stage;
use crate::load::stats::overshoot;

/// How far above the line of the earlier points the last one may lie. Measurements scatter; what grows with
/// the square of something has about 1.5.
const MOST: f64 = 1.25;

pub(in crate::load) async fn growth(stage: &Stage) -> Section {
    let mut curves = subscribers::curves(stage).await;
    curves.extend(doors::curves(stage).await);
    curves.extend(pending::curves(stage).await);
    Section {
        name: "growth",
        title: "Growth",
        how: vec![
            "Core's process, with more and more of one thing and all else equal. A figure is \
             the last point of the curve to where the straight line through all earlier ones would have it: 1 is \
             a straight line, and less is better than one. The points are in `benchmarks/results.json`.",
        ],
        figures: curves.iter().filter_map(straightness).collect(),
        curves,
        ..Section::default()
    }
}

/// None where the earlier points are too small to be measured: time of a processor is told in hundredths of a
/// second, so there is no line through them.
fn straightness(curve: &Curve) -> Option<Figure> {
    let overshoot = overshoot(&curve.points);
    let figure = || Figure::new(&curve.title, "of a line", &[overshoot]);
    overshoot
        .is_finite()
        .then(|| figure().target(Target::AtMost(MOST)))
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
