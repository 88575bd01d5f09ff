//! One connection of a node to the broker: what is asked goes up, what is answered and published comes down, each way in order and delayed
//! by chance. A connection that breaks is noticed by each end in its own time.

use std::collections::{HashSet, VecDeque};

use backplanes::brokered::{Channel, Heard, Reply, Request};

use super::broker::Run;
use crate::random::Random;

/// One connection.
pub(super) struct Connection {
    state: State,
    /// The life of the broker that it leads to, or led to last.
    pub(super) leads_to: Run,
    /// With the turn in which each arrives at the earliest.
    up: VecDeque<(u64, u64, Request)>,
    down: VecDeque<(u64, Coming)>,
    /// What connections before this one had sent: it is still carried out, and answered to nobody.
    strays: VecDeque<(u64, Request)>,
    /// What the broker sends down as soon as it is published.
    pub(super) hears: HashSet<Channel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Down {
        /// When the node tries to make a new one.
        dial_ms: u64,
    },
    Up,
    /// It is up, as far as both ends know, and carries nothing.
    Dead,
    /// It is no more, and the node does not know yet.
    Broken,
}

/// What comes down.
pub(super) enum Coming {
    Reply { id: u64, reply: Reply },
    Heard { channel: Channel, what: Heard },
    Cut,
}

impl Connection {
    /// One that is yet to be made.
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            state: State::Down { dial_ms: now_ms },
            leads_to: 0,
            up: VecDeque::new(),
            down: VecDeque::new(),
            strays: VecDeque::new(),
            hears: HashSet::new(),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// Whether the node is to make a new one now. What the former had sent is carried out first.
    pub(super) fn dials(&self, now_ms: u64) -> bool {
        matches!(self.state, State::Down { dial_ms } if dial_ms <= now_ms) && self.strays.is_empty()
    }

    pub(super) fn made(&mut self, leads_to: Run) {
        (self.state, self.leads_to) = (State::Up, leads_to);
    }

    /// The node sends a request. Says whether it has a connection, as far as it knows.
    pub(super) fn ask(&mut self, turn: u64, id: u64, request: Request) -> bool {
        if self.is_up() {
            self.up.push_back((turn, id, request));
        }
        !matches!(self.state, State::Down { .. })
    }

    /// The broker sends something down.
    pub(super) fn say(&mut self, turn: u64, coming: Coming) {
        if self.is_up() {
            self.down.push_back((turn, coming));
        }
    }

    /// It breaks: of what was on its way, chance says how much still arrives.
    pub(super) fn cut(&mut self, turn: u64, random: &mut Random) {
        if matches!(self.state, State::Up | State::Dead) {
            let (arriving, sent) = (random.below(self.down.len() + 1), random.below(self.up.len() + 1));
            self.part(turn, arriving, sent);
        }
    }

    /// It breaks with the broker: nothing of what was on its way there is carried out.
    pub(super) fn lose(&mut self, turn: u64, random: &mut Random) {
        if matches!(self.state, State::Up | State::Dead) {
            let arriving = random.below(self.down.len() + 1);
            self.part(turn, arriving, 0);
        }
        self.strays.clear();
    }

    /// The node lets it go, and reads nothing more.
    pub(super) fn let_go(&mut self, turn: u64, random: &mut Random) {
        if !matches!(self.state, State::Down { .. }) {
            let sent = random.below(self.up.len() + 1);
            self.part(turn, 0, sent);
        }
    }

    fn part(&mut self, turn: u64, arriving: usize, sent: usize) {
        let strays = self.up.drain(..).take(sent);
        self.strays.extend(strays.map(|(turn, _, request)| (turn, request)));
        self.down.truncate(arriving);
        self.down.push_back((turn, Coming::Cut));
        self.hears.clear();
        self.state = State::Broken;
    }

    /// It carries nothing any more, and nobody is told.
    pub(super) fn deaden(&mut self) {
        if self.is_up() {
            self.state = State::Dead;
            self.up.clear();
            self.down.clear();
            self.hears.clear();
        }
    }

    /// The node knows that it is gone.
    pub(super) fn note_cut(&mut self, dial_ms: u64) {
        self.state = State::Down { dial_ms };
    }

    /// When the next thing reaches the broker.
    pub(super) fn up_turn(&self) -> Option<u64> {
        let stray = self.strays.front().map(|(turn, _)| *turn);
        stray.or_else(|| self.up.front().map(|(turn, ..)| *turn))
    }

    /// When the next thing reaches the node.
    pub(super) fn down_turn(&self) -> Option<u64> {
        self.down.front().map(|(turn, _)| *turn)
    }

    /// The next request for the broker, with its number where it will be answered.
    pub(super) fn take_request(&mut self) -> Option<(Option<u64>, Request)> {
        let stray = self.strays.pop_front().map(|(_, request)| (None, request));
        stray.or_else(|| self.up.pop_front().map(|(_, id, request)| (Some(id), request)))
    }

    /// Whether nothing is on its way, and nothing is heard but what is said to the node itself.
    pub(super) fn is_at_rest(&self) -> bool {
        self.sent() == 0 && self.down.is_empty() && self.hears.len() <= 1
    }

    /// How much is on its way to the broker.
    pub(super) fn sent(&self) -> usize {
        self.strays.len() + self.up.len()
    }

    pub(super) fn take_coming(&mut self) -> Option<Coming> {
        self.down.pop_front().map(|(_, coming)| coming)
    }
}
