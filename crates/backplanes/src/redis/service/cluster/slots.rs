//! Which master of a cluster has what: the slots of keys, and the map of their owners (Redis Cluster Specification, "Key distribution model").
//!
//! Pure. Masters are numbered as they are met; a number keeps its meaning.

use std::fmt;

use redis::Value;

/// How many slots there are.
pub(super) const SLOTS: usize = 16_384;
/// A slot that nobody has.
const NOBODY: u16 = u16::MAX;

/// Where a server of the cluster listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::redis::service) struct Place {
    pub(in crate::redis::service) host: String,
    pub(in crate::redis::service) port: u16,
}

impl Place {
    /// Reads `HOST:PORT`; `None`: it is not that.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().ok()?;
        (!host.is_empty()).then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The slot of a key: the checksum of what stands in its first braces, if anything does, else of all of it.
pub(super) fn slot_of(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    checksum(tag.filter(|tag| !tag.is_empty()).unwrap_or(key).as_bytes()) % SLOTS as u16
}

/// CRC-16/XMODEM.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 }
        })
    })
}

/// Some slots of a master: the first and the last of them.
pub(super) type Share = (u16, u16, Place);

/// What a server answers to `CLUSTER SLOTS`. One that does not say its own address is where it was asked.
pub(super) fn read_shares(answer: &Value, asked: &Place) -> Option<Vec<Share>> {
    let Value::Array(shares) = answer else { return None };
    shares.iter().map(|share| read_share(share, asked)).collect()
}

fn read_share(share: &Value, asked: &Place) -> Option<Share> {
    let Value::Array(parts) = share else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &parts[..] else { return None };
    let [host, Value::Int(port), ..] = &master[..] else { return None };
    let host = match host {
        Value::BulkString(host) if !host.is_empty() && host != b"?" => {
            String::from_utf8(host.clone()).ok()?
        }
        _ => asked.host.clone(),
    };
    let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
    let place = Place { host, port: u16::try_from(*port).ok()? };
    (first <= last && usize::from(last) < SLOTS).then_some((first, last, place))
}

/// Who has which slot.
#[derive(Debug)]
pub(super) struct Map {
    /// All masters that were met.
    places: Vec<Place>,
    owners: Box<[u16]>,
}

impl Map {
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), owners: vec![NOBODY; SLOTS].into() }
    }

    pub(super) fn owner(&self, slot: u16) -> Option<usize> {
        let owner = self.owners[usize::from(slot)];
        (owner != NOBODY).then_some(usize::from(owner))
    }

    pub(super) fn place(&self, master: usize) -> &Place {
        &self.places[master]
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Whether there are slots that nobody has.
    pub(super) fn has_holes(&self) -> bool {
        self.owners.contains(&NOBODY)
    }

    /// Which masters have slots.
    pub(super) fn owners(&self) -> Vec<usize> {
        let mut owners: Vec<_> = self.owners.iter().filter(|owner| **owner != NOBODY).collect();
        owners.sort_unstable();
        owners.dedup();
        owners.into_iter().map(|owner| usize::from(*owner)).collect()
    }

    /// Takes over what a server says. Says whether that is anything new.
    pub(super) fn learn(&mut self, shares: Vec<Share>) -> bool {
        let before = std::mem::replace(&mut self.owners, vec![NOBODY; SLOTS].into());
        for (first, last, place) in shares {
            let owner = self.number(place);
            self.owners[usize::from(first)..=usize::from(last)].fill(owner);
        }
        self.owners != before
    }

    fn number(&mut self, place: Place) -> u16 {
        let known = self.places.iter().position(|known| *known == place);
        let number = known.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        });
        number as u16
    }

    /// The number of the master that a server asks to go to: behind `ASK`, a slot and `HOST:PORT`.
    pub(super) fn asked_to_go_to(&mut self, details: &str, from: usize) -> Option<usize> {
        let (_, to) = details.split_once(' ')?;
        // A server that does not know its own host leaves it out: it is the one that was asked.
        let place = match to.strip_prefix(':') {
            Some(port) => Place { host: self.place(from).host.clone(), port: port.parse().ok()? },
            None => Place::read(to)?,
        };
        let known = self.places.iter().position(|known| *known == place);
        known.or_else(|| (self.places.len() < SLOTS).then(|| usize::from(self.number(place))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn place(text: &str) -> Place {
        Place::read(text).expect("a place")
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(checksum(b"123456789"), 0x31C3);
        assert_eq!(slot_of("foo"), 12_182);
        assert_eq!(slot_of("{user1000}.following"), slot_of("{user1000}.followers"));
        assert_eq!(slot_of("foo{}{bar}"), checksum(b"foo{}{bar}") % 16_384);
        assert_eq!(slot_of("foo{{bar}}zap"), checksum(b"{bar") % 16_384);
    }

    #[test]
    fn who_has_what_is_learnt_and_numbers_keep_their_meaning() {
        let share = |first, last, host: &str, port| {
            let master = Value::Array(vec![bulk(host), Value::Int(port), bulk("id")]);
            Value::Array(vec![Value::Int(first), Value::Int(last), master])
        };
        let answer = Value::Array(vec![share(0, 9, "a", 1), share(10, 16_382, "", 2)]);
        let mut map = Map::new();
        map.learn(read_shares(&answer, &place("[::1]:7")).expect("it can be read"));
        assert_eq!((map.owner(9), map.owner(10), map.owner(16_383)), (Some(0), Some(1), None));
        assert!(map.has_holes());
        assert_eq!(map.place(1).to_string(), "[::1]:2");
        map.learn(
            read_shares(&Value::Array(vec![share(0, 16_383, "", 2)]), &place("[::1]:7"))
                .expect("it can be read"),
        );
        assert_eq!((map.owner(0), map.owners()), (Some(1), vec![1]));
        assert_eq!(map.asked_to_go_to("5 a:1", 1), Some(0));
        assert_eq!(map.asked_to_go_to("5 :3", 1), Some(2));
        assert_eq!(map.place(2).to_string(), "[::1]:3");
    }

    #[test]
    fn what_is_no_map_is_not_read() {
        let none =
            Value::Array(vec![Value::Array(vec![Value::Int(5), Value::Int(4), Value::Array(Vec::new())])]);
        assert!(
            read_shares(&none, &place("a:1")).is_none() && read_shares(&Value::Nil, &place("a:1")).is_none()
        );
        assert!(Place::read("a").is_none() && Place::read(":1").is_none() && Place::read("a:x").is_none());
    }
}
