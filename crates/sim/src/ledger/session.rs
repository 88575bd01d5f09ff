//! One session as its client sees it: what was asked and not answered yet, and the rooms it stays in.

use std::collections::BTreeMap;

use chat::{Position, RoomId, Tag, UserId};

use super::mark::Mark;
use super::pace::{Kind, Pace};
use super::stay::Stay;
use super::{SessionNo, Trouble};

/// What a client speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Commands and answers, rooms joined by name.
    Rich,
    /// One room, joined by opening, told without positions or answers.
    Plain(RoomId),
    /// One room, joined by opening, told with positions; nothing can be asked.
    Reader(RoomId, Option<Position>),
    /// Posts with answers; nothing is told.
    Poster,
    /// Events and acknowledgements: one room at a time, joined by name, and the room of everybody from the beginning; told without tags and
    /// without presence, and with positions only where one can come back by them.
    Events {
        /// Whether they are.
        tells_places: bool,
    },
}

impl Speech {
    /// Whether messages are told with where they stand.
    pub(super) fn tells_places(&self) -> bool {
        matches!(self, Self::Rich | Self::Reader(..) | Self::Events { tells_places: true })
    }

    /// Whether they are told with the tags under which they were posted.
    pub(super) fn tells_tags(&self) -> bool {
        matches!(self, Self::Rich | Self::Reader(..))
    }

    /// Whether it is one of events.
    pub(super) fn is_of_events(&self) -> bool {
        matches!(self, Self::Events { .. })
    }
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    /// Whose, for complaints.
    pub(super) who: String,
    pub(super) speech: Speech,
    pub(super) user: Option<UserId>,
    /// What was asked and not answered yet, oldest first.
    asked: Vec<(Option<Tag>, Asked)>,
    pub(super) stays: BTreeMap<RoomId, Stay>,
    pub(super) is_open: bool,
    /// What befell the cluster before it has read what it was sent.
    pub(super) trouble: Trouble,
    pub(super) conduct: Conduct,
    /// How much it asks for.
    pub(super) pace: Pace,
}

/// What a client did, or what was done to it, that explains how the server treats it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conduct {
    /// The start of a node that it is connected to.
    pub node: usize,
    /// It reads slowly, or has not read for a while: it may be told of losses, or be parted with.
    pub is_slow: bool,
    /// It does not read at the moment.
    pub is_paused: bool,
    /// It does not answer: it may be parted with, and what it was sent never arrives.
    pub is_silent: bool,
    /// It has asked for the end.
    pub is_leaving: bool,
    /// Its node is no more: it may be cut off without a word.
    pub is_forsaken: bool,
}

/// A command that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) what: What,
    /// Where the room stood at least when the command was sent.
    pub(super) floor: Option<Position>,
    /// Somebody who was in the room then.
    pub(super) reader: Option<SessionNo>,
    /// The outage of its node in which it has to be granted, if it is not over by then.
    pub(super) outage: Option<u64>,
    /// What befell the cluster while its answer was under way, or not read.
    pub(super) trouble: Trouble,
    /// It may have been asked too soon.
    pub(super) is_hasty: bool,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Identify {
        inbox: Option<Position>,
    },
    Join {
        room: RoomId,
        since: Option<Position>,
    },
    Leave {
        room: RoomId,
    },
    Post {
        room: RoomId,
        mark: Mark,
    },
    Recall {
        room: RoomId,
        before: Option<Position>,
    },
    /// Answered only when it is refused.
    Signal {
        room: RoomId,
    },
    Time,
}

impl Asked {
    pub(super) fn new(what: What, floor: Option<Position>) -> Self {
        Self { what, floor, reader: None, outage: None, trouble: Trouble::None, is_hasty: false }
    }
}

impl What {
    /// What it is counted with, if anything.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Identify { .. } | Self::Join { .. } | Self::Recall { .. } => Some(Kind::Joins),
            Self::Post { .. } | Self::Signal { .. } | Self::Time => Some(Kind::Posts),
            Self::Leave { .. } => None,
        }
    }
}

impl Session {
    pub(super) fn new(who: &str, speech: Speech, pace: Pace) -> Self {
        Self {
            who: who.to_owned(),
            speech,
            user: None,
            asked: Vec::new(),
            stays: BTreeMap::new(),
            is_open: true,
            trouble: Trouble::None,
            conduct: Conduct::default(),
            pace,
        }
    }

    pub(super) fn ask(&mut self, tag: Option<Tag>, mut asked: Asked, now_ms: u64) {
        if let Some(kind) = asked.what.kind() {
            let is_first = self.asked.iter().all(|(_, other)| other.what.kind() != Some(kind));
            asked.is_hasty = self.pace.ask(kind, is_first, now_ms);
        }
        self.asked.push((tag, asked));
    }

    /// Takes what an answer is for: the oldest with this tag of the kind that can be answered so.
    pub(super) fn answer(&mut self, tag: &Option<Tag>, fits: impl Fn(&What) -> bool) -> Option<Asked> {
        let index = self.asked.iter().position(|(of, asked)| of == tag && fits(&asked.what))?;
        Some(self.asked.remove(index).1)
    }

    /// What it has not read yet it was sent in trouble, and what is not answered yet, as far as it has read, may have been asked in trouble.
    pub(super) fn excuse(&mut self, trouble: Trouble) {
        self.trouble = self.trouble.max(trouble);
        for (_, asked) in &mut self.asked {
            asked.trouble = asked.trouble.max(trouble);
        }
    }

    /// What has not been answered, when all that will be has been.
    pub(super) fn unanswered(&mut self) -> impl Iterator<Item = (&Option<Tag>, &What)> {
        self.asked.retain(|(_, asked)| !matches!(asked.what, What::Signal { .. }));
        self.asked.iter().map(|(tag, asked)| (tag, &asked.what))
    }

    /// Whether it has asked to go by a name and was not answered yet.
    pub(super) fn awaits_name(&self) -> bool {
        self.asked.iter().any(|(_, asked)| matches!(asked.what, What::Identify { .. }))
    }

    /// Whether it must have been shown everything when all is quiet.
    pub(super) fn is_attentive(&self) -> bool {
        self.is_open && !self.conduct.is_silent && !self.conduct.is_leaving && !self.conduct.is_paused
    }
}
