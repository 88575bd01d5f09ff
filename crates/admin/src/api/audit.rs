//! What was done by whom: a line in the log for everything that changes something, and the last of them to be asked for.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// So many entries are remembered; the log has all.
const ENTRIES_MAX: usize = 1000;

/// A look that goes on is one entry for so long.
const LOOK_MS: u64 = 60_000;

/// Something that was done, or was to be.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    id: u64,
    time: u64,
    key: Option<String>,
    address: String,
    action: &'static str,
    target: String,
    status: u16,
}

/// The last entries.
#[derive(Debug, Default)]
pub(super) struct Audit {
    entries: VecDeque<Entry>,
    last: u64,
}

impl Audit {
    /// Takes note of what was done, and writes it down.
    pub(super) fn note(
        &mut self,
        (key, address): (Option<String>, IpAddr),
        (action, target): (&'static str, &str),
        status: u16,
    ) {
        let who = key.as_deref().unwrap_or("");
        tracing::info!(key = who, %address, action, target, status, "operator");
        self.last += 1;
        if self.entries.len() >= ENTRIES_MAX {
            self.entries.pop_front();
        }
        let (id, time, address, target) = (self.last, now_ms(), address.to_string(), target.to_owned());
        self.entries.push_back(Entry { id, time, key, address, action, target, status });
    }

    /// Takes note of somebody who looks at what people say. Who goes on looking is noted once a minute.
    pub(super) fn note_look(
        &mut self,
        (key, address): (Option<String>, IpAddr),
        (action, target): (&'static str, &str),
        status: u16,
    ) {
        let (earliest, from) = (now_ms().saturating_sub(LOOK_MS), address.to_string());
        let mut lately = self.entries.iter().rev().take_while(|entry| entry.time > earliest);
        let look = (&key, from.as_str(), action, target, status);
        let is_noted = lately.any(|entry| {
            (&entry.key, entry.address.as_str(), entry.action, &*entry.target, entry.status) == look
        });
        if !is_noted {
            self.note((key, address), (action, target), status);
        }
    }

    /// The newest, or those before one, and where to go on.
    pub(super) fn page(&self, before: Option<u64>, limit: usize) -> (Vec<Entry>, Option<u64>) {
        let mut entries =
            self.entries.iter().rev().filter(|entry| before.is_none_or(|before| entry.id < before));
        let page: Vec<Entry> = entries.by_ref().take(limit).cloned().collect();
        let next = page.last().map(|last| last.id).filter(|_| entries.next().is_some());
        (page, next)
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn who_goes_on_looking_is_noted_once() {
        let mut audit = Audit::default();
        for target in ["/a", "/a", "/b", "/a"] {
            audit.note_look((None, Ipv4Addr::LOCALHOST.into()), ("look", target), 200);
        }
        let noted: Vec<String> = audit.page(None, 9).0.into_iter().map(|entry| entry.target).collect();
        assert_eq!(noted, ["/b", "/a"]);
    }

    #[test]
    fn the_last_entries_are_remembered_and_turned_page_by_page() {
        let mut audit = Audit::default();
        for status in 0..ENTRIES_MAX as u16 + 5 {
            audit.note((None, Ipv4Addr::LOCALHOST.into()), ("close", "/"), status);
        }
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let (page, next) = audit.page(before, 300);
            seen.extend(page.iter().map(|entry| entry.status));
            if next.is_none() {
                break;
            }
            before = next;
        }
        assert!(seen.iter().copied().eq((5..ENTRIES_MAX as u16 + 5).rev()), "{seen:?}");
    }
}
