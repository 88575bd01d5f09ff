//! How long it was quiet where something should have been said, for each thing that befell the server. Knows no protocol.

use serde::{Deserialize, Serialize};

/// What befell the server, and the longest silences from then until the next such thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Era {
    /// What it was.
    pub name: String,
    /// When, in seconds since the first post.
    pub at_s: f64,
    /// Connections that ended.
    pub cuts: u64,
    /// The longest time for which nobody in a room was shown anything.
    pub room_ms: f64,
    /// The longest time for which nothing was accepted in a room.
    pub acceptance_ms: f64,
    /// The longest time for which one member was shown nothing.
    pub member_ms: f64,
}

/// Of what silences are measured.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    Room,
    Acceptance,
    Member,
}

/// Since when each of them has been silent.
#[derive(Debug)]
pub(super) struct Silences {
    began_ns: u64,
    era_ns: u64,
    /// For each kind, since when each has been silent.
    since_ns: [Vec<u64>; 3],
    /// For each kind, the longest of this era.
    longest_ns: [u64; 3],
    eras: Vec<Era>,
}

impl Silences {
    /// Everybody has just spoken.
    pub(super) fn new(rooms: usize, members: usize, now_ns: u64) -> Self {
        let mut silences = Self {
            began_ns: now_ns,
            era_ns: now_ns,
            since_ns: [vec![now_ns; rooms], vec![now_ns; rooms], vec![now_ns; members]],
            longest_ns: [0; 3],
            eras: Vec::new(),
        };
        silences.begin("nothing", now_ns);
        silences
    }

    /// Something is heard.
    #[inline]
    pub(super) fn end(&mut self, of: Of, index: usize, now_ns: u64) {
        let kind = of as usize;
        let since_ns = std::mem::replace(&mut self.since_ns[kind][index], now_ns);
        self.longest_ns[kind] = self.longest_ns[kind].max(now_ns - since_ns.max(self.era_ns));
    }

    /// A connection has ended.
    pub(super) fn cut(&mut self) {
        if let Some(era) = self.eras.last_mut() {
            era.cuts += 1;
        }
    }

    /// Something befalls the server.
    pub(super) fn begin(&mut self, name: &str, now_ns: u64) {
        self.close(now_ns);
        self.era_ns = now_ns;
        let at_s = (now_ns - self.began_ns) as f64 / 1e9;
        let (name, cuts) = (name.to_owned(), 0);
        self.eras.push(Era { name, at_s, cuts, room_ms: 0.0, acceptance_ms: 0.0, member_ms: 0.0 });
    }

    /// What goes on counts up to here.
    fn close(&mut self, now_ns: u64) {
        let longest = |kind: usize| {
            let since_ns = self.since_ns[kind].iter().min().copied().unwrap_or(now_ns);
            self.longest_ns[kind].max(now_ns - since_ns.max(self.era_ns)) as f64 / 1e6
        };
        let [room_ms, acceptance_ms, member_ms] =
            [Of::Room, Of::Acceptance, Of::Member].map(|of| longest(of as usize));
        if let Some(era) = self.eras.last_mut() {
            (era.room_ms, era.acceptance_ms, era.member_ms) = (room_ms, acceptance_ms, member_ms);
        }
        self.longest_ns = [0; 3];
    }

    /// Nothing is to be said any more.
    pub(super) fn finish(mut self, now_ns: u64) -> Vec<Era> {
        self.close(now_ns);
        self.eras
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_silence_counts_in_the_eras_it_reaches_into_and_from_their_beginning() {
        let mut silences = Silences::new(2, 1, 0);
        silences.end(Of::Room, 0, 10 * MS);
        silences.end(Of::Room, 1, 15 * MS);
        silences.begin("storm", 20 * MS);
        silences.cut();
        silences.end(Of::Room, 0, 50 * MS);
        silences.end(Of::Room, 1, 60 * MS);
        silences.begin("flood", 100 * MS);
        let eras = silences.finish(130 * MS);
        let rooms: Vec<_> = eras.iter().map(|era| (&*era.name, era.cuts, era.room_ms)).collect();
        assert_eq!(rooms, [("nothing", 0, 15.0), ("storm", 1, 50.0), ("flood", 0, 30.0)]);
        assert_eq!((eras[1].member_ms, eras[1].at_s), (80.0, 0.02));
    }
}
