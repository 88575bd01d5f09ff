//! What came of a stay of steadfast members, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::ledger::Findings;
use super::silence::Era;
use crate::latency::Percentiles;

/// What came of a stay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// All members.
    pub members: u32,
    /// Their rooms.
    pub rooms: u32,
    /// Those who posted.
    pub publishers: u32,
    /// Posts a second that were meant.
    pub rate: f64,
    /// For how long.
    pub seconds: f64,
    /// What the ledger found.
    pub findings: Findings,
    /// From when a post was meant until it was accepted.
    pub acceptance: Percentiles,
    /// From when a post was meant until a member was shown it.
    pub showing: Percentiles,
    /// Posts asked for once more.
    pub retries: u64,
    /// Refusals of posts, by their codes.
    pub refusals: BTreeMap<String, u64>,
    /// Refusals of members who wanted to come in, by their codes.
    pub barred: BTreeMap<String, u64>,
    /// Ends of connections, by their reasons.
    pub cuts: BTreeMap<String, u64>,
    /// Members who came back and were given everything.
    pub resumed: u64,
    /// Members who came back and were told that something is gone.
    pub partly_resumed: u64,
    /// Connections that were made to come back.
    pub returns: u64,
    /// As many of them as there ever were within a second.
    pub returns_in_a_second: u64,
    /// Connections that members gave up because nothing was answered.
    pub unanswered: u64,
    /// What befell the server, and how quiet it was then.
    pub eras: Vec<Era>,
    /// The generator's own use of its core, in percent.
    pub cpu_percent: f64,
}

impl Account {
    /// Whether the ledger has no entry, and there was something to enter.
    pub fn is_clean(&self) -> bool {
        self.findings.is_clean() && self.findings.expected > 0
    }

    /// The account in lines.
    pub fn summary(&self) -> String {
        let Findings { posts, accepted, expected, shown, told, tellings, shown_again, .. } = self.findings;
        let Findings { lost, duplicated, reordered, untold, contradicted, strange, unaccepted, .. } =
            self.findings;
        let Percentiles { p50_ms, p99_ms, max_ms, .. } = self.acceptance;
        let mut text = format!(
            "{posts} posts of {} members in {} rooms, {accepted} accepted ({} retries), {shown} of {expected} showings, {told} told to be lost in {tellings} tellings, {shown_again} shown again\n\
             lost {lost}, duplicated {duplicated}, reordered {reordered}, untold {untold}, contradicted {contradicted}, strange {strange}, unaccepted {unaccepted}\n\
             accepted after p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms, at most {max_ms:.0} ms\n",
            self.publishers, self.rooms, self.retries
        );
        for (what, counts) in [("refused", &self.refusals), ("barred", &self.barred), ("cut", &self.cuts)] {
            for (reason, count) in counts {
                writeln!(text, "{what} {count} × {reason}").expect("a string takes it");
            }
        }
        for Era { name, at_s, cuts, room_ms, acceptance_ms, member_ms } in &self.eras {
            let silences = format!("{room_ms:>7.0} {acceptance_ms:>7.0} {member_ms:>7.0}");
            writeln!(text, "{at_s:>6.1} s  {name:<40} {cuts:>5} cuts  silent ms: {silences}")
                .expect("a string takes it");
        }
        self.findings.words.iter().for_each(|words| text.extend(["! ", words, "\n"]));
        text
    }
}
