//! What was measured, as data, as a page and as curves.

mod curve;
mod machine;
mod page;

use std::fs;
use std::path::Path;

use serde::Serialize;

pub use self::curve::Curve;
pub use self::machine::Machine;

use super::stats::Spread;

/// Where the page goes, below the folder of a report.
const PAGE: &str = "BENCHMARKS.md";
/// Where the data and the curves go.
const FOLDER: &str = "benchmarks";
/// Where in it somebody has written why targets are missed: a file a section, by its name.
const REASONS: &str = "reasons";

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What it ran on.
    pub machine: Machine,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// What was measured.
    pub sections: Vec<Section>,
}

/// What one scenario has measured.
#[derive(Debug, Default, Serialize)]
pub struct Section {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// How it was measured: a paragraph each.
    pub how: Vec<&'static str>,
    /// Its table.
    pub figures: Vec<Figure>,
    /// Its curves.
    pub curves: Vec<Curve>,
    /// What another program has printed of it.
    pub printed: Vec<String>,
    /// Why a target of it is missed, in Markdown: it is what somebody has found, and no measurement.
    pub why: Option<String>,
}

/// A line of a table: what the driver came to, and others beside it.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// In what.
    pub unit: &'static str,
    /// The middle of its rounds, and the farthest of them.
    pub ours: Spread,
    /// The same of others, in the same rounds.
    pub beside: Vec<Beside>,
    /// What it is to come to.
    pub targets: Vec<Target>,
}

/// What another one came to in the same rounds.
#[derive(Debug, Serialize)]
pub struct Beside {
    /// Who it is.
    pub whom: Whom,
    /// What it came to.
    pub value: Spread,
    /// Ours to theirs, round by round.
    pub ratio: Spread,
}

/// Who is measured beside the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// A bare client with a pool, which posts the same bytes: the limit.
    Bare,
    /// Another driver's executable.
    Peer,
    /// The same driver without the subscribers that harm.
    Alone,
    /// The same code, compiled for this machine and not for a sandbox.
    Native,
}

/// What a figure is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// So much at most, in the figure's unit.
    AtMost(f64),
    /// So much at most of what another one came to.
    RatioAtMost(Whom, f64),
    /// So much at least of what another one came to.
    RatioAtLeast(Whom, f64),
}

impl Report {
    /// Writes the page, the data and the curves below `folder`, in place of those of an earlier run. On the
    /// page are the reasons that are there for what is missed.
    pub fn write(&mut self, folder: &Path) {
        let data = folder.join(FOLDER);
        fs::create_dir_all(&data).unwrap();
        for section in &mut self.sections {
            let reasons = data.join(REASONS).join(section.name);
            section.why = fs::read_to_string(reasons.with_extension("md")).ok();
        }
        for curve in self.sections.iter().flat_map(|section| &section.curves) {
            fs::write(data.join(curve.file()), curve.to_svg()).unwrap();
        }
        let json = serde_json::to_string_pretty(self).unwrap();
        fs::write(data.join("results.json"), json + "\n").unwrap();
        fs::write(folder.join(PAGE), self.to_page()).unwrap();
    }

    /// The page, in Markdown.
    pub fn to_page(&self) -> String {
        page::page(self)
    }

    /// Targets, and how many of them are missed. Those are not counted whose other one was not there.
    pub fn targets(&self) -> (usize, usize) {
        let each = self.sections.iter().map(Section::targets);
        each.fold((0, 0), |(all, missed), (more, more_missed)| {
            (all + more, missed + more_missed)
        })
    }
}

impl Section {
    /// Its targets, and how many of them are missed.
    fn targets(&self) -> (usize, usize) {
        let of = |figure: &Figure| {
            let targets = figure.targets.iter();
            let verdicts = targets.filter_map(|target| figure.is_kept(*target));
            verdicts.collect::<Vec<_>>()
        };
        let verdicts: Vec<_> = self.figures.iter().flat_map(of).collect();
        let missed = verdicts.iter().filter(|is_kept| !**is_kept);
        (verdicts.len(), missed.count())
    }
}

impl Figure {
    /// From the values of each round.
    pub fn new(what: impl Into<String>, unit: &'static str, ours: &[f64]) -> Self {
        Self {
            what: what.into(),
            unit,
            ours: Spread::of(ours.iter().copied()),
            beside: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// With what another one came to in the same rounds.
    #[must_use]
    pub fn beside(mut self, whom: Whom, ours: &[f64], theirs: &[f64]) -> Self {
        self.beside.push(Beside {
            whom,
            value: Spread::of(theirs.iter().copied()),
            ratio: Spread::of_ratios(ours, theirs),
        });
        self
    }

    /// With what it is to come to.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// Whether it comes to that; `None` if it depends on one that was not there.
    pub fn is_kept(&self, target: Target) -> Option<bool> {
        let ratio = |whom| {
            let beside = self.beside.iter().find(|beside| beside.whom == whom);
            beside.map(|beside| beside.ratio.median)
        };
        match target {
            Target::AtMost(most) => Some(self.ours.median <= most),
            Target::RatioAtMost(whom, most) => ratio(whom).map(|ratio| ratio <= most),
            Target::RatioAtLeast(whom, least) => ratio(whom).map(|ratio| ratio >= least),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let figure = Figure::new("deliveries", "1/s", &[20.0, 40.0, 30.0])
            .beside(Whom::Bare, &[20.0, 40.0, 30.0], &[50.0, 80.0, 60.0])
            .target(Target::RatioAtLeast(Whom::Bare, 0.4))
            .target(Target::RatioAtLeast(Whom::Peer, 2.0));
        let section = Section {
            name: "sustained",
            title: "Sustained",
            how: vec!["One after the other."],
            figures: vec![
                figure,
                Figure::new("a | b", "ms", &[7.0]).target(Target::AtMost(5.0)),
            ],
            curves: vec![Curve::example()],
            ..Section::default()
        };
        Report {
            machine: Machine::example(),
            seconds: 61,
            sections: vec![section],
        }
    }

    #[test]
    fn a_target_against_one_that_was_not_there_is_neither_kept_nor_missed() {
        let report = report();
        let figure = &report.sections[0].figures[0];
        assert_eq!(figure.is_kept(figure.targets[0]), Some(true));
        assert_eq!(figure.is_kept(figure.targets[1]), None);
        assert_eq!(report.targets(), (2, 1));
    }

    #[test]
    fn a_missed_target_is_said_on_the_page() {
        let page = report().to_page();
        assert!(page.contains("1 of 2 targets is missed"), "{page}");
        assert!(page.contains("**MISSED** ≤ 5 ms"), "{page}");
        assert!(page.contains("kept: ≥ 0.4 × bare client"), "{page}");
        assert!(page.contains("no peer: ≥ 2 × peer"), "{page}");
    }

    #[test]
    fn a_ratio_is_on_the_page_with_the_farthest_rounds() {
        let page = report().to_page();
        assert!(page.contains("0.50 (0.40–0.50)"), "{page}");
        assert!(page.contains(r"a \| b"), "{page}");
    }

    #[test]
    fn page_data_and_curves_are_written_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = report();
        report.write(folder.path());
        let page = fs::read_to_string(folder.path().join(PAGE)).unwrap();
        assert_eq!(page, report.to_page());
        let data = folder.path().join(FOLDER);
        let json = fs::read_to_string(data.join("results.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let figure = &json["sections"][0]["figures"][0];
        assert_eq!(figure["beside"][0]["ratio"]["median"], 0.5);
        let curve = Curve::example().file();
        assert!(page.contains(&format!("(benchmarks/{curve})")), "{page}");
        assert!(data.join(curve).exists());
    }

    #[test]
    fn why_a_target_is_missed_stands_below_its_table() {
        let folder = tempfile::tempdir().unwrap();
        let reasons = folder.path().join(FOLDER).join(REASONS);
        fs::create_dir_all(&reasons).unwrap();
        fs::write(reasons.join("sustained.md"), "The disk.\n").unwrap();
        let mut missed = report();
        missed.write(folder.path());
        let page = missed.to_page();
        let (table, why) = page.split_once("Why it is missed: The disk.").unwrap();
        assert!(table.contains("**MISSED**") && why.contains("!["), "{page}");

        let mut kept = report();
        kept.sections[0].figures.pop();
        kept.write(folder.path());
        assert!(!kept.to_page().contains("The disk."));
    }
}
