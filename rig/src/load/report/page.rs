//! A report as a page in Markdown.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Figure, Report, Section, Target, Whom};
use crate::load::stats::Spread;

/// The command that repeats all of it.
const COMMAND: &str = "cargo xtask bench";

pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    head(&mut page, report);
    for section in &report.sections {
        of_section(&mut page, section);
    }
    page
}

/// Text is written into a `String`, which takes whatever it is given.
macro_rules! line {
    ($page:expr $(, $($text:tt)*)?) => {
        writeln!($page $(, $($text)*)?).unwrap()
    };
}

fn head(page: &mut String, report: &Report) {
    let machine = &report.machine;
    line!(page, "# Benchmarks\n");
    line!(
        page,
        "Written by `{COMMAND}`, which took {} minutes. With `--peer FILE` another executable that speaks \
         PlaceOS' process protocol is measured beside this one. All receivers, clients and Redis run on the \
         same machine as what is measured, so absolute figures say little about another one: compare the \
         ratios, which are of pairs of rounds, one after the other in the same run. A figure is the median \
         of its rounds, with the farthest ones in brackets.\n",
        report.seconds.div_ceil(60)
    );
    let (targets, missed) = report.targets();
    let is = if missed == 1 { "is" } else { "are" };
    line!(page, "{missed} of {targets} targets {is} missed.\n");
    if machine.was_busy() {
        line!(
            page,
            "**Others used this machine when the run began (load {:.1}): do not rely on it.**\n",
            machine.load_before
        );
    }
    line!(page, "| | |\n| --- | --- |");
    line!(
        page,
        "| processor | {}, {} threads |",
        machine.model,
        machine.cores
    );
    line!(page, "| memory | {} MB |", machine.memory);
    line!(page, "| kernel | {} |", machine.kernel);
    for (name, version) in &machine.versions {
        line!(page, "| {} | {} |", cell(name), cell(version));
    }
}

fn of_section(page: &mut String, section: &Section) {
    line!(page, "\n## {}\n", section.title);
    line!(page, "`{COMMAND} load --only {}`", section.name);
    for paragraph in &section.how {
        line!(page, "\n{paragraph}");
    }
    if !section.figures.is_empty() {
        table(page, &section.figures);
    }
    for printed in &section.printed {
        line!(page, "\n```\n{printed}\n```");
    }
    if let (Some(why), (_, 1..)) = (&section.why, section.targets()) {
        line!(page, "\nWhy it is missed: {}", why.trim_end());
    }
    for curve in &section.curves {
        line!(page, "\n![{}](benchmarks/{})", curve.title, curve.file());
    }
}

fn table(page: &mut String, figures: &[Figure]) {
    let beside = figures.iter().flat_map(|figure| &figure.beside);
    let whoms: BTreeSet<_> = beside.map(|beside| beside.whom).collect();
    let has_targets = figures.iter().any(|figure| !figure.targets.is_empty());
    let mut titles = vec!["measured".to_owned(), "this driver".to_owned()];
    for whom in &whoms {
        titles.extend([name(*whom).to_owned(), "ratio to it".to_owned()]);
    }
    if has_targets {
        titles.push("target".to_owned());
    }
    line!(page, "\n{}", row(&titles));
    line!(page, "{}", row(&vec!["---".to_owned(); titles.len()]));
    for figure in figures {
        let mut cells = vec![cell(&figure.what), spread(figure.ours, figure.unit)];
        for whom in &whoms {
            let of = figure.beside.iter().find(|beside| beside.whom == *whom);
            cells.extend(of.map_or_else(Default::default, |beside| {
                [spread(beside.value, figure.unit), ratio(beside.ratio)]
            }));
        }
        if has_targets {
            let targets = figure.targets.iter().map(|target| verdict(figure, *target));
            cells.push(targets.collect::<Vec<_>>().join("<br>"));
        }
        line!(page, "{}", row(&cells));
    }
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn cell(text: &str) -> String {
    text.replace('|', r"\|")
}

fn name(whom: Whom) -> &'static str {
    match whom {
        Whom::Bare => "bare client",
        Whom::Peer => "peer",
        Whom::Alone => "alone",
        Whom::Native => "native code",
    }
}

fn verdict(figure: &Figure, target: Target) -> String {
    let (bound, whom) = match target {
        Target::AtMost(most) => (format!("≤ {most} {}", figure.unit), None),
        Target::RatioAtMost(whom, most) => (format!("≤ {most} × {}", name(whom)), Some(whom)),
        Target::RatioAtLeast(whom, least) => (format!("≥ {least} × {}", name(whom)), Some(whom)),
    };
    match (figure.is_kept(target), whom) {
        (Some(true), _) => format!("kept: {bound}"),
        (Some(false), _) => format!("**MISSED** {bound}"),
        (None, whom) => format!("no {}: {bound}", whom.map_or("figure", name)),
    }
}

fn spread(spread: Spread, unit: &str) -> String {
    let Spread {
        median,
        least,
        most,
    } = spread;
    if least == most {
        return format!("{} {unit}", number(median));
    }
    let range = format!("{}–{}", number(least), number(most));
    format!("{} {unit} ({range})", number(median))
}

fn ratio(spread: Spread) -> String {
    let Spread {
        median,
        least,
        most,
    } = spread;
    if least == most {
        return format!("{median:.2}");
    }
    format!("{median:.2} ({least:.2}–{most:.2})")
}

/// With three digits that count, and thousands apart.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        small if small < 100.0 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let mut apart = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place) % 3 == 0 {
                    apart.push(',');
                }
                apart.push(digit);
            }
            apart
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_count() {
        let texts = [0.123, 9.994, 12.345, 999.6, 14_525.4, 1_000_000.0].map(number);
        assert_eq!(
            texts,
            ["0.12", "9.99", "12.3", "1,000", "14,525", "1,000,000"]
        );
    }
}
