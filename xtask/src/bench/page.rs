//! The results as Markdown, for the terminal and for bench/results/README.md.

use std::fmt::Write;

use super::figure::{Figure, Spread, short};
use super::result::Measured;

const HEAD: &str = "\
# Results

Written by `cargo xtask bench`; [what the figures mean](../README.md). Medians with the smallest and the largest run in
parentheses; servers in one row were measured in turn, in the same run. The raw reports are in the files beside this one.
";

/// The whole table.
pub(super) fn table(newest: &[Measured]) -> String {
    newest.iter().fold(HEAD.to_owned(), |page, measured| page + "\n" + &section(measured))
}

/// One scenario.
pub(super) fn section(measured: &Measured) -> String {
    let Measured { scenario, about, date, commit, machine, runs, finding, .. } = measured;
    let times = if *runs == 1 { "once".to_owned() } else { format!("{runs} runs") };
    let mut text = format!("## {scenario}\n\n{about}. {date}, {times}, {machine}, at `{commit}`.\n\n");
    text += "| figure | ours | beside | bar | |\n|---|---:|---|---|---|\n";
    for figure in &finding.figures {
        let beside: Vec<_> =
            figure.beside.iter().map(|(name, spread)| format!("{name} {}", spread_of(spread))).collect();
        let (bar, met) = (figure.bar.as_deref().unwrap_or("–"), verdict(figure));
        let (name, ours, beside) = (named(figure), spread_of(&figure.ours), beside.join(" · "));
        writeln!(text, "| {name} | {ours} | {beside} | {bar} | {met} |").expect("a string takes it");
    }
    for note in &finding.notes {
        write!(text, "\n> {note}\n").expect("a string takes it");
    }
    text
}

/// A figure in a sentence.
pub(super) fn in_words(figure: &Figure) -> String {
    let bar = figure.bar.as_deref().unwrap_or("none");
    let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
    format!("{}: {}{unit}, bar {bar}", figure.name, short(figure.ours.median))
}

fn named(figure: &Figure) -> String {
    if figure.unit.is_empty() { figure.name.clone() } else { format!("{}, {}", figure.name, figure.unit) }
}

fn verdict(figure: &Figure) -> &'static str {
    match figure.is_met {
        Some(true) => "met",
        Some(false) => "**not met**",
        None => "",
    }
}

fn spread_of(spread: &Spread) -> String {
    let Spread { median, min, max } = spread;
    if min == max {
        short(*median)
    } else {
        format!("{} ({}–{})", short(*median), short(*min), short(*max))
    }
}

#[cfg(test)]
mod tests {
    use super::super::result::tests::example;
    use super::*;

    #[test]
    fn a_section_shows_the_figure_what_is_beside_it_the_bar_and_the_miss() {
        let section = section(&example());
        let row = "| CPU per delivery, µs | 5.00 (4.00–6.00) | floor 4.00 (3.00–5.00) | ≤ 1.15 × floor = 4.60 | **not met** |";
        for part in [
            "## large-slow\n\na room. 2026-11-21, 5 runs, 2 × a processor, at `abc`.",
            row,
            "> the generator slept",
        ] {
            assert!(section.contains(part), "{part} is missing in\n{section}");
        }
    }

    #[test]
    fn the_table_is_its_sections_under_one_head() {
        let table = table(&[example(), example()]);
        assert!(table.starts_with("# Results") && table.matches("## large-slow").count() == 2);
    }
}
