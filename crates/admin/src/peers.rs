//! The other nodes of the cluster, as far as they are known here: who is there, and who was lately.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Who has gone is remembered for so long.
const REMEMBERED: Duration = Duration::from_secs(600);
/// As many are remembered at most; those who are there come first.
const PEERS_MAX: usize = 1000;

/// Another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// What it is known by.
    pub(crate) id: String,
    /// Whether it is there.
    pub(crate) is_alive: bool,
    /// Since when it is as it is: there, leaving, cut off, or gone.
    pub(crate) since: Instant,
    /// What it has told of itself last.
    pub(crate) card: Option<Card>,
}

/// What a node tells others of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    /// What people call it.
    pub(crate) name: String,
    pub(crate) is_draining: bool,
    pub(crate) fault: Option<String>,
    pub(crate) version: String,
    pub(crate) sessions: Option<u64>,
    pub(crate) deliveries: Option<u64>,
}

/// The other nodes.
#[derive(Debug, Default)]
pub(crate) struct Peers(Vec<Peer>);

impl Peers {
    /// These are there now, and no others.
    pub(crate) fn note(&mut self, alive: Vec<String>, now: Instant) {
        for peer in &mut self.0 {
            let is_alive = alive.contains(&peer.id);
            if is_alive != peer.is_alive {
                (peer.is_alive, peer.since) = (is_alive, now);
            }
        }
        let is_new = |id: &String| !self.0.iter().any(|peer| peer.id == *id);
        let new: Vec<_> = alive.into_iter().filter(is_new).collect();
        self.0.extend(new.into_iter().map(|id| Peer { id, is_alive: true, since: now, card: None }));
        self.0.retain(|peer| peer.is_alive || now.saturating_duration_since(peer.since) < REMEMBERED);
        self.0.sort_by_key(|peer| !peer.is_alive);
        self.0.truncate(PEERS_MAX);
    }

    /// A node has told how it is.
    pub(crate) fn note_card(&mut self, id: &str, card: Card, now: Instant) {
        let Some(peer) = self.0.iter_mut().find(|peer| peer.id == id) else { return };
        let state = |card: &Card| (card.is_draining, card.fault.is_some());
        // Until it has told anything it is taken to be well.
        if peer.is_alive && state(&card) != peer.card.as_ref().map_or((false, false), state) {
            peer.since = now;
        }
        peer.card = Some(card);
    }

    pub(crate) fn has_any(&self) -> bool {
        self.0.iter().any(|peer| peer.is_alive)
    }

    pub(crate) fn all(&self) -> Vec<Peer> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_goes_and_comes_back_is_known_until_long_after() {
        let (mut peers, began) = (Peers::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut seen = |alive: &[&str], seconds| {
            peers.note(alive.iter().map(|id| (*id).to_owned()).collect(), at(seconds));
            let told = peers.all().into_iter().map(|peer| (peer.id, peer.is_alive, peer.since));
            told.map(|(id, is_alive, since)| (id, is_alive, (since - began).as_secs())).collect::<Vec<_>>()
        };
        let told = |id: &str, is_alive, since| (id.to_owned(), is_alive, since);
        assert_eq!(seen(&["a", "b"], 0), [told("a", true, 0), told("b", true, 0)]);
        assert_eq!(seen(&["b"], 5), [told("b", true, 0), told("a", false, 5)]);
        assert_eq!(seen(&["a", "b"], 9), [told("b", true, 0), told("a", true, 9)]);
        assert_eq!(seen(&["a"], 10), [told("a", true, 9), told("b", false, 10)]);
        assert_eq!(seen(&["a"], 700), [told("a", true, 9)]);
    }

    #[test]
    fn a_node_is_as_it_is_since_it_has_told_something_else() {
        let (mut peers, began) = (Peers::default(), Instant::now());
        let mut since = |seconds, is_draining| {
            let now = began + Duration::from_secs(seconds);
            peers.note(vec!["a".to_owned()], now);
            peers.note_card("a", Card { is_draining, ..Card::default() }, now);
            (peers.all()[0].since - began).as_secs()
        };
        assert_eq!([since(0, false), since(2, false), since(4, true), since(6, true)], [0, 0, 4, 4]);
    }
}
