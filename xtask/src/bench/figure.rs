//! A figure: what was measured of ours, what of others beside it, the bar, and whether it was met.

use serde::{Deserialize, Serialize};

/// The median of several runs, and how far they lay apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// `None` without runs.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bar {
    /// Nothing at all, in however short a run.
    Zero,
    AtMost(f64),
    AtLeast(f64),
    /// At most so many times the first value beside it.
    AtMostTimes(f64),
    /// At least so many times the first value beside it.
    AtLeastTimes(f64),
    /// Below the first value beside it.
    Below,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) ours: Spread,
    /// Other servers' values in the same run, by name.
    pub(super) beside: Vec<(String, Spread)>,
    /// The bar in words; none for a figure that is only told.
    pub(super) bar: Option<String>,
    pub(super) is_met: Option<bool>,
    /// Whether the bar has nothing to do with time, so that it holds in a quick run as well.
    pub(super) is_strict: bool,
}

impl Figure {
    /// A figure without a bar.
    pub(super) fn told(name: &str, unit: &str, ours: Spread, beside: Vec<(String, Spread)>) -> Self {
        let (name, unit) = (name.to_owned(), unit.to_owned());
        Self { name, unit, ours, beside, bar: None, is_met: None, is_strict: false }
    }

    /// The same with a bar; the median counts, but where nothing may be, every run does.
    pub(super) fn against(mut self, bar: Bar) -> Self {
        let value = self.ours.median;
        let (name, other) =
            self.beside.first().map_or(("", f64::NAN), |(name, spread)| (name, spread.median));
        let (words, is_met) = match bar {
            Bar::Zero => ("0".to_owned(), self.ours.max == 0.0),
            Bar::AtMost(most) => (format!("≤ {}", short(most)), value <= most),
            Bar::AtLeast(least) => (format!("≥ {}", short(least)), value >= least),
            Bar::AtMostTimes(times) => {
                (format!("≤ {times} × {name} = {}", short(times * other)), value <= times * other)
            }
            Bar::AtLeastTimes(times) => {
                (format!("≥ {times} × {name} = {}", short(times * other)), value >= times * other)
            }
            Bar::Below => (format!("< {name}"), value < other),
        };
        (self.bar, self.is_met, self.is_strict) = (Some(words), Some(is_met), matches!(bar, Bar::Zero));
        self
    }
}

/// A number with as many digits as say something.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(ours: f64, other: f64) -> Figure {
        let spread = |value| Spread { median: value, min: value, max: value };
        Figure::told("cost", "µs", spread(ours), vec![("floor".to_owned(), spread(other))])
    }

    #[test]
    fn the_median_of_an_even_count_lies_between_the_two_in_the_middle() {
        assert_eq!(Spread::of([4.0, 1.0, 3.0]), Some(Spread { median: 3.0, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 3.0, 2.0]).map(|spread| spread.median), Some(2.5));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn each_bar_is_met_up_to_itself_and_missed_beyond() {
        for (bar, met, missed, words) in [
            (Bar::Zero, 0.0, 1.0, "0"),
            (Bar::AtMost(8.0), 8.0, 8.1, "≤ 8.00"),
            (Bar::AtLeast(8.0), 8.0, 7.9, "≥ 8.00"),
            (Bar::AtMostTimes(2.0), 8.0, 8.1, "≤ 2 × floor = 8.00"),
            (Bar::AtLeastTimes(3.0), 12.0, 11.9, "≥ 3 × floor = 12.0"),
            (Bar::Below, 3.9, 4.0, "< floor"),
        ] {
            let figures = [met, missed].map(|value| figure(value, 4.0).against(bar));
            assert_eq!(figures.each_ref().map(|figure| figure.is_met), [Some(true), Some(false)], "{words}");
            assert_eq!(figures[0].bar.as_deref(), Some(words));
        }
    }

    #[test]
    fn where_nothing_may_be_one_run_is_enough_to_miss() {
        let ours = Spread { median: 0.0, min: 0.0, max: 1.0 };
        let figure = Figure { ours, ..figure(0.0, 0.0) }.against(Bar::Zero);
        assert_eq!((figure.is_met, figure.is_strict), (Some(false), true));
    }

    #[test]
    fn a_bar_relative_to_nothing_is_not_met() {
        let alone = Figure { beside: Vec::new(), ..figure(1.0, 1.0) };
        assert_eq!(alone.against(Bar::Below).is_met, Some(false));
    }
}
