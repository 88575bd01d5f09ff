//! What came of the cases: read from the suite's own report, told by family.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::step::Failure;

/// The number of a case: `7.1.5`, in the order of its parts.
type Number = Vec<u32>;

/// The outcome of every case that ran.
#[derive(Debug)]
pub(super) struct Report(BTreeMap<Number, Case>);

/// The suite's verdict on one case, in its own words.
#[derive(Debug, Deserialize)]
struct Case {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    close: String,
}

impl Case {
    /// A verdict that is not known to be good is bad.
    fn has_passed(&self) -> bool {
        let is_good = |verdict: &str| matches!(verdict, "OK" | "NON-STRICT" | "INFORMATIONAL");
        is_good(&self.behavior) && is_good(&self.close)
    }

    fn is_strict(&self) -> bool {
        self.behavior == "OK" && self.close == "OK"
    }
}

impl Report {
    /// Reads the suite's `index.json`: agents, their cases, the verdicts.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let unreadable =
            |error: serde_json::Error| Failure::new(format!("the report cannot be read: {error}"));
        let agents: BTreeMap<String, BTreeMap<String, Case>> =
            serde_json::from_str(text).map_err(unreadable)?;
        let cases = agents.into_values().flatten();
        Ok(Self(cases.map(|(number, case)| (parts(&number), case)).collect()))
    }

    /// Takes the outcomes of a second try.
    pub(super) fn replace(&mut self, again: Self) {
        self.0.extend(again.0);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The cases that did not pass.
    pub(super) fn failed(&self) -> Vec<String> {
        self.0.iter().filter(|(_, case)| !case.has_passed()).map(|(number, _)| spell(number)).collect()
    }

    /// A line for each family, then the cases worth a word.
    pub(super) fn table(&self) -> String {
        let mut text = "   family  cases  passed  of these not strict\n".to_owned();
        for family in self.families() {
            let cases: Vec<&Case> =
                self.0.iter().filter(|(number, _)| number[0] == family).map(|(_, case)| case).collect();
            let passed = cases.iter().filter(|case| case.has_passed()).count();
            let loose = cases.iter().filter(|case| case.has_passed() && !case.is_strict()).count();
            writeln!(text, "   {family:>6}  {:>5}  {passed:>6}  {loose:>6}", cases.len())
                .expect("a string takes any text");
        }
        for (number, case) in self.0.iter().filter(|(_, case)| !case.is_strict()) {
            let verdict = format!("{}, close {}", case.behavior, case.close);
            writeln!(text, "   {:>8}  {verdict}", spell(number)).expect("a string takes any text");
        }
        text
    }

    fn families(&self) -> Vec<u32> {
        let mut families: Vec<u32> = self.0.keys().map(|number| number[0]).collect();
        families.dedup();
        families
    }
}

fn parts(number: &str) -> Number {
    number.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn spell(number: &Number) -> String {
    number.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(cases: &[(&str, &str, &str)]) -> Report {
        let case = |(number, behavior, close): &(&str, &str, &str)| {
            format!(r#""{number}":{{"behavior":"{behavior}","behaviorClose":"{close}","duration":1}}"#)
        };
        let cases: Vec<String> = cases.iter().map(case).collect();
        Report::read(&format!(r#"{{"server":{{{}}}}}"#, cases.join(","))).expect("a report")
    }

    #[test]
    fn bad_behaviour_and_an_unclean_close_both_fail() {
        let report = report(&[
            ("10.1.1", "OK", "UNCLEAN"),
            ("9.1.1", "FAILED", "OK"),
            ("1.1.1", "OK", "OK"),
            ("7.1.6", "INFORMATIONAL", "INFORMATIONAL"),
            ("6.4.1", "NON-STRICT", "OK"),
            ("5.1", "UNIMPLEMENTED", "OK"),
        ]);
        assert_eq!(report.failed(), ["5.1", "9.1.1", "10.1.1"]);
    }

    #[test]
    fn a_second_try_replaces_the_first() {
        let mut first = report(&[("1.1.1", "OK", "OK"), ("9.1.1", "FAILED", "OK")]);
        first.replace(report(&[("9.1.1", "OK", "OK")]));
        assert!(first.failed().is_empty());
        assert_eq!(first.count(), 2);
    }

    #[test]
    fn the_table_has_a_line_for_each_family_and_a_word_on_loose_cases() {
        let table =
            report(&[("1.1.1", "OK", "OK"), ("1.1.2", "NON-STRICT", "OK"), ("9.1.1", "FAILED", "OK")])
                .table();
        assert!(table.contains("        1      2       2       1\n"), "{table}");
        assert!(table.contains("        9      1       0       0\n"), "{table}");
        assert!(table.contains("1.1.2  NON-STRICT, close OK\n"), "{table}");
    }
}
