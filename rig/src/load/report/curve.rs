//! Curves, as SVG that is legible on a light page and on a dark one. A plotting library would bring
//! colours of its own, which no style sheet changes.

use std::fmt::Write;

use serde::Serialize;

use super::page::number;

/// The size of the picture, and of the room around the axes, in pixels.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// Parts of an axis, at most.
const TICKS: f64 = 5.0;

const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328}\
.title{font-weight:600;font-size:14px}\
.grid{stroke:#d1d9e0}.axis{stroke:#59636e}\
.curve{fill:none;stroke:#0969da;stroke-width:2}.point{fill:#0969da}\
@media(prefers-color-scheme:dark){\
text{fill:#f0f6fc}.grid{stroke:#3d444d}.axis{stroke:#9198a1}\
.curve{stroke:#4493f8}.point{fill:#4493f8}}";

/// How one thing changes with another. Both axes are linear and begin at 0, so that a straight line is one.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// What it shows.
    pub title: String,
    /// What it is drawn against, with its unit if it has one.
    pub across: &'static str,
    /// What was measured, with its unit.
    pub up: &'static str,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// The name of its file.
    pub fn file(&self) -> String {
        let title = self.title.to_lowercase();
        let words = title.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        format!("{}.svg", words.join("-"))
    }

    /// The picture.
    pub fn to_svg(&self) -> String {
        let across = Axis::to(self.points.iter().map(|point| point.0));
        let up = Axis::to(self.points.iter().map(|point| point.1));
        let x = |value| LEFT + across.share(value) * (WIDTH - LEFT - RIGHT);
        let y = |value| HEIGHT - BOTTOM - up.share(value) * (HEIGHT - TOP - BOTTOM);
        let (left, right, top, bottom) = (x(0.0), WIDTH - RIGHT, TOP, y(0.0));

        let mut svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{title}</title><style>{STYLE}</style><text class="title" x="{left}" y="20">{title}</text>"#,
            title = escaped(&self.title),
        );
        let mut add = |text: String| svg.push_str(&text);
        for value in up.ticks() {
            let y = y(value);
            add(format!(
                r#"<path class="grid" d="M{left} {y:.1}H{right}"/><text x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
                left - 8.0,
                y + 4.0,
                label(value)
            ));
        }
        for value in across.ticks() {
            add(format!(
                r#"<text x="{:.1}" y="{}" text-anchor="middle">{}</text>"#,
                x(value),
                bottom + 18.0,
                label(value)
            ));
        }
        add(format!(
            r#"<path class="axis" d="M{left} {bottom}H{right}"/><text x="{right}" y="{}" text-anchor="end">{}</text><text x="{left}" y="{}">{}</text>"#,
            HEIGHT - 10.0,
            escaped(self.across),
            top - 6.0,
            escaped(self.up),
        ));
        let mut path = String::new();
        for (value, at) in self.points.iter().zip(0..) {
            let (x, y) = (x(value.0), y(value.1));
            let step = if at == 0 { 'M' } else { 'L' };
            // A `String` takes whatever it is given.
            write!(path, "{step}{x:.1} {y:.1}").unwrap();
            add(format!(
                r#"<circle class="point" cx="{x:.1}" cy="{y:.1}" r="3.5"/>"#
            ));
        }
        add(format!(r#"<path class="curve" d="{path}"/></svg>"#));
        svg.push('\n');
        svg
    }
}

/// From 0 to where its last tick is.
struct Axis {
    step: f64,
    end: f64,
}

impl Axis {
    /// Long enough for the largest of `values`, in round steps.
    fn to(values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(f64::MIN_POSITIVE, f64::max);
        let rough = most / TICKS;
        let power = 10f64.powf(rough.log10().floor());
        let round = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
        let step = round.into_iter().find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(rough);
        Self {
            step,
            end: (most / step * 0.999).ceil() * step,
        }
    }

    fn share(&self, value: f64) -> f64 {
        value / self.end
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let count = (self.end / self.step).round() as u32;
        (0..=count).map(|tick| f64::from(tick) * self.step)
    }
}

fn label(value: f64) -> String {
    let label = number(value);
    if label.contains('.') {
        label.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        label
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
impl Curve {
    pub(super) fn example() -> Self {
        Self {
            title: "Memory & subscribers".to_owned(),
            across: "subscribers",
            up: "MB",
            points: vec![(1.0, 12.0), (100.0, 14.0), (1000.0, 31.0)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_a_round_number_beyond_the_last_point() {
        for (most, ticks) in [
            (31.0, vec!["0", "10", "20", "30", "40"]),
            (1000.0, vec!["0", "200", "400", "600", "800", "1,000"]),
            (0.07, vec!["0", "0.02", "0.04", "0.06", "0.08"]),
        ] {
            let axis = Axis::to([1e-9, most].into_iter());
            assert_eq!(axis.ticks().map(label).collect::<Vec<_>>(), ticks);
        }
    }

    #[test]
    fn both_axes_say_what_they_are() {
        let svg = Curve::example().to_svg();
        assert!(svg.contains(">subscribers</text>") && svg.contains(">MB</text>"));
        assert!(svg.contains("Memory &amp; subscribers"));
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn a_straight_line_is_drawn_as_one() {
        let points = vec![(0.0, 0.0), (500.0, 5.0), (1000.0, 10.0)];
        let svg = Curve {
            points,
            ..Curve::example()
        }
        .to_svg();
        let (left, middle, right) = (LEFT, (LEFT + WIDTH - RIGHT) / 2.0, WIDTH - RIGHT);
        let (low, high) = (HEIGHT - BOTTOM, TOP);
        let centre = f64::midpoint(low, high);
        let line = format!("M{left:.1} {low:.1}L{middle:.1} {centre:.1}L{right:.1} {high:.1}");
        assert!(svg.contains(&line), "{svg}");
    }

    #[test]
    fn files_have_plain_names() {
        assert_eq!(Curve::example().file(), "memory-subscribers.svg");
    }
}
