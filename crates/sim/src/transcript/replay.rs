//! A transcript is replayed: everybody says what they say, and must hear what stands there and nothing else.

use std::fmt;

use super::member::Member;
use super::notation::{Piece, PieceKind};
use super::pattern::{Found, Pattern, fill};
use super::script::{Line, Script};
use crate::cluster::{Cluster, Fault};
use crate::node::Node;
use crate::pipe::Weather;
use crate::world::World;

/// How a transcript is replayed.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// On how many shards of each node.
    pub shards: u16,
    /// In pieces of at most so many bytes, cut by chance.
    pub piece_bytes: usize,
    /// Which chance.
    pub seed: u64,
}

/// Something was not as it should be.
#[derive(Debug)]
pub struct Mismatch {
    /// In which line, from 1.
    pub line: usize,
    /// What.
    pub words: String,
}

/// Replays a transcript in one manner.
pub fn replay(script: &Script, manner: Manner) -> Result<(), Mismatch> {
    let mut replay = Replay::new(script, manner);
    let mut last = 0;
    for (line, deed) in &script.lines {
        last = *line;
        replay.perform(deed).map_err(|words| Mismatch { line: *line, words })?;
    }
    replay.nothing_unheard().map_err(|words| Mismatch { line: last, words })
}

struct Replay {
    node: World,
    /// How many shards each node has.
    shards: usize,
    members: Vec<Member>,
    names: Vec<String>,
    found: Found,
}

impl Replay {
    fn new(script: &Script, manner: Manner) -> Self {
        let weather = Weather { piece_bytes: manner.piece_bytes, ..script.weather };
        let Manner { shards, seed, .. } = manner;
        let node = match &script.cluster {
            None => Node::new(&script.settings, shards, weather, seed).into(),
            Some(layout) => {
                World::with(Cluster::new(layout.clone(), &script.settings, shards, weather, seed))
            }
        };
        Self {
            node,
            shards: shards.into(),
            members: script.cast.iter().map(Member::new).collect(),
            names: script.cast.iter().map(|role| role.name.clone()).collect(),
            found: Found::new(),
        }
    }

    fn perform(&mut self, deed: &Line) -> Result<(), String> {
        if let Line::Hear { who, what } = deed {
            return self.hear(*who, what);
        }
        self.nothing_unheard()?;
        match deed {
            Line::Connect(who) => self.connect(*who),
            Line::Say { who, what, at_once } => {
                if self.members[*who].pipe.is_none() {
                    self.connect(*who);
                    self.settle()?;
                    self.nothing_unheard()?;
                }
                let text = fill(&what.text, &self.found).ok_or("a name stands for nothing yet")?;
                self.members[*who].say(&Piece::new(what.kind, text), &mut self.node)?;
                if *at_once {
                    return Ok(());
                }
            }
            Line::Hear { .. } => {}
            Line::Wait { ms } => return self.wait(*ms),
            // It comes back once it has something to say.
            Line::Cut(who) => self.members[*who].pipe.take().iter().for_each(|pipe| self.node.cut(*pipe)),
            Line::HangUp(who) => self.members[*who].pipe.iter().for_each(|pipe| self.node.hang_up(*pipe)),
            Line::Stall(who) => self.members[*who].is_stalled = true,
            Line::Resume(who) => self.members[*who].is_stalled = false,
            Line::Drain => self.node.drain(0),
            Line::Move { who, site } => self.members[*who].move_to(*site),
            Line::Befall(fault) => self.befall(*fault),
        }
        self.settle()
    }

    fn connect(&mut self, who: usize) {
        let place = self.members[who].site() * self.shards + who % self.shards;
        self.members[who].connect(place, &mut self.node);
    }

    fn befall(&mut self, fault: Fault) {
        self.node.befall(fault);
        // Nobody here minds whose node has ended.
        drop(self.node.take_ended());
    }

    fn hear(&mut self, who: usize, what: &Piece) -> Result<(), String> {
        let member = &mut self.members[who];
        let is_stream = member.is_stream();
        let Some(front) = member.heard.front_mut() else {
            return Err(format!("nothing is heard instead of {what}"));
        };
        let pattern = Pattern::read(&what.text);
        let length = match front.kind == what.kind {
            false => None,
            // Of a stream, as much is taken as a line says.
            true if is_stream => pattern.find(&front.text, &mut self.found),
            true => pattern.fits(&front.text, &mut self.found).then_some(front.text.len()),
        };
        let Some(length) = length else { return Err(format!("heard instead: {front}")) };
        front.text.drain(..length);
        if front.text.is_empty() {
            member.heard.pop_front();
        }
        Ok(())
    }

    /// The end of a stream may go without saying.
    fn nothing_unheard(&self) -> Result<(), String> {
        for (member, name) in self.members.iter().zip(&self.names) {
            if let Some(piece) = member.heard.iter().find(|piece| piece.kind != PieceKind::End) {
                return Err(format!("before this, {name} hears: {piece}"));
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), String> {
        loop {
            self.node.settle_in_step();
            let mut has_read = false;
            for (member, name) in self.members.iter_mut().zip(&self.names) {
                has_read |=
                    member.listen(&mut self.node).map_err(|fault| format!("{name} cannot read: {fault}"))?;
            }
            if !has_read {
                break;
            }
        }
        self.node.audit().for_each(drop);
        match self.node.take_faults().first() {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }

    fn wait(&mut self, ms: u64) -> Result<(), String> {
        let end_ms = self.node.now().monotonic_ms + ms;
        while let Some(due_ms) = self.node.next_wake_ms().filter(|due_ms| *due_ms <= end_ms) {
            self.node.wake(due_ms.max(self.node.now().monotonic_ms));
            self.settle()?;
        }
        self.node.wake(end_ms);
        self.settle()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.words)
    }
}

impl std::error::Error for Mismatch {}
