//! The office: what operators want done by a shard, or known of it, and what it reports.
//!
//! An instruction comes with a ticket and is reported on once under it: at once, after a home or the store has answered, or after a survey of
//! all that is here, which is made in slices between other work. Who asks, and over what, is not known here.

mod selection;
mod survey;
mod wording;

use std::collections::VecDeque;
use std::sync::Arc;

use access::{Penalty, RoomTerms, Ruling, Subject};
use backplanes::NodeId;
use chat::{Body, Counts, Event, Farewell, Message, Position, Refusal, RoomId, Tag, UserId};

use crate::envelopes::Envelope;
use crate::mail::{Post, Recall};
use crate::{Clock, Effects, Followed, Now, SessionKey, Shard, ShardId, TraceStep};

pub use selection::Whose;
pub use survey::{RoomLine, RoomMark, RoomOrder, RoomsSought, SessionLine, SessionsSought};

use survey::Survey;

/// What an operator's wish is known by while it is not reported on.
pub type Ticket = u32;

/// Surveys of a shard that may be under way.
const SURVEYS_MAX: usize = 32;
/// No session has this slot: what a home answers there is for the office, and the ticket is the generation.
const OFFICE: u32 = u32::MAX;
/// What a node tells of itself has no more bytes.
const CARD_BYTES_MAX: usize = 1024;

/// What an operator wants of a shard.
#[derive(Clone, Debug)]
pub enum Instruction {
    /// To know the rooms with sessions here.
    ListRooms(RoomsSought),
    /// To know the sessions here.
    ListSessions(SessionsSought),
    /// To know how a room stands. For its home.
    DescribeRoom(RoomId),
    /// To know who is in a room. For its home.
    ListMembers {
        /// The room.
        room: RoomId,
        /// Those behind this one, in the order of their names.
        after: Option<UserId>,
        /// So many at most.
        limit: usize,
    },
    /// To read what was said in a room. For its home.
    Recall {
        /// The room.
        room: RoomId,
        /// Messages before this one; without it, the newest.
        before: Option<Position>,
        /// So many at most.
        limit: usize,
    },
    /// To know what was ruled, in the order of what it is about.
    ListRulings {
        /// Of which penalty.
        penalty: Penalty,
        /// Behind this.
        after: Option<Subject>,
        /// So many at most.
        limit: usize,
    },
    /// To say something in a room. For its home.
    Post {
        /// The room.
        room: RoomId,
        /// In whose name.
        author: Option<UserId>,
        /// What.
        body: Body,
        /// The message's id.
        tag: Option<Tag>,
    },
    /// To have the next message of this followed. For every shard.
    Follow(Followed, Clock),
    /// To know where what is followed has come to here.
    ListSteps,
    /// To have nothing followed any more.
    EndTrace,
    /// To tell other nodes how this one is, and to know what they have told. For the first shard.
    ExchangeCards(Arc<str>),
    /// To have something done here, as on every other shard of every node.
    Decree(Arc<Decree>),
}

/// What every shard of every node does when it hears of it. To do it twice is to do it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decree {
    /// Sessions are parted with, and are not to come back by themselves.
    Disconnect(Whose),
    /// Sessions leave a room, and may come back.
    Kick(RoomId, Whose),
    /// These rulings hold.
    Rule(Vec<Ruling>),
}

/// What becomes of an instruction.
#[derive(Clone, Debug)]
pub enum Report {
    /// Rooms, in the order that was asked for; more than were wanted say that there are more.
    Rooms(Vec<RoomLine>),
    /// Sessions, and where to go on; `None`: these were the last.
    Sessions(Vec<SessionLine>, Option<u32>),
    /// How a room stands.
    Room(RoomReport),
    /// Who is in a room.
    Members(MembersReport),
    /// What was said in a room, in ascending order, and whether there is more before that.
    Page(Vec<Arc<Message>>, bool),
    /// What was ruled, and whether there is more.
    Rulings(Vec<Ruling>, bool),
    /// Where a message stands.
    Accepted(Position),
    /// Where what is followed has come to here.
    Steps(Vec<TraceStep>),
    /// What nodes that are alive have told last of how they are.
    Cards(Vec<(NodeId, Arc<str>)>),
    /// It was done with so many sessions here.
    Done(usize),
    /// There is no such room here.
    Nothing,
    /// It was not done.
    Refused(Refusal),
}

/// How a room stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomReport {
    /// How many are in it, on every node.
    pub counts: Counts,
    /// Sessions, on every node.
    pub sessions: u32,
    /// Its newest message, if that is known.
    pub at: Option<Position>,
    /// How operators want it.
    pub terms: RoomTerms,
    /// It has a home here.
    pub is_here: bool,
}

/// Who is in a room, on every node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersReport {
    /// Users, in the order of their names.
    pub users: Vec<UserId>,
    /// There are more behind them.
    pub more: bool,
    /// How many are in it.
    pub counts: Counts,
    /// All who are in it are named; of large rooms other nodes tell only how many are there.
    pub is_complete: bool,
}

/// What is not reported on yet.
#[derive(Default)]
pub(crate) struct Office {
    surveys: VecDeque<(Ticket, Survey)>,
    reports: Vec<(Ticket, Report)>,
    cards: Vec<(NodeId, Arc<str>)>,
}

impl Office {
    fn report(&mut self, ticket: Ticket, report: Report) {
        self.reports.push((ticket, report));
    }
}

impl Shard {
    /// Does what an operator wants, or begins to.
    pub(crate) fn follow_instruction(&mut self, ticket: Ticket, instruction: Instruction, now: Now) {
        match instruction {
            Instruction::ListRooms(sought) => self.survey(ticket, Survey::of_rooms(sought)),
            Instruction::ListSessions(sought) => self.survey(ticket, Survey::of_sessions(sought)),
            Instruction::DescribeRoom(room) => {
                let terms = self.moderation.docket().room(&room);
                let report = RoomReport { terms, ..self.homes.describe(&room) };
                let is_known = report.is_here || !terms.are_plain();
                self.office.report(ticket, if is_known { Report::Room(report) } else { Report::Nothing });
            }
            Instruction::ListMembers { room, after, limit } => {
                let members = self.homes.members(&room, after.as_ref(), limit);
                self.office.report(ticket, members.map_or(Report::Nothing, Report::Members));
            }
            Instruction::Recall { room, before, limit } => {
                let recall = Recall { room, before, limit, tag: None, session: self.desk(ticket) };
                self.at_home(now, |homes, now, out| homes.recall(recall, now, out));
            }
            Instruction::ListRulings { penalty, after, limit } => {
                let rulings = self.moderation.docket().after(after.as_ref(), now.wall);
                let is_meant =
                    |ruling: &Ruling| matches!(ruling.subject, Subject::Somebody(of, ..) if of == penalty);
                let mut rulings = rulings.filter(is_meant);
                let some = rulings.by_ref().take(limit).collect();
                let more = rulings.next().is_some();
                drop(rulings);
                self.office.report(ticket, Report::Rulings(some, more));
            }
            Instruction::Post { room, author, body, tag } => match self.check_size(&body) {
                Ok(()) => {
                    self.tally.posts += 1;
                    let post = Post {
                        room,
                        author,
                        body,
                        tag,
                        reply_to: Some(self.desk(ticket)),
                        heard: self.turn.hears(),
                    };
                    self.at_home(now, |homes, now, out| homes.post(post, now, out));
                }
                Err(refusal) => self.office.report(ticket, Report::Refused(refusal)),
            },
            Instruction::Follow(followed, clock) => {
                self.traces.begin(followed, clock);
                self.office.report(ticket, Report::Done(0));
            }
            Instruction::ListSteps => {
                let steps = self.traces.steps().to_vec();
                self.office.report(ticket, Report::Steps(steps));
            }
            Instruction::ExchangeCards(card) => self.exchange_cards(ticket, card, now),
            Instruction::EndTrace => {
                self.traces.end();
                self.office.report(ticket, Report::Done(0));
            }
            Instruction::Decree(decree) => {
                let done = self.heed(&decree, now);
                self.office.report(ticket, done.map_or_else(Report::Refused, Report::Done));
                if self.settings.shard == ShardId::FIRST && done.is_ok() {
                    self.tell_nodes(&Envelope::Decree(Box::new((*decree).clone())), now);
                }
            }
        }
    }

    /// What another node has decreed holds on every shard of this one.
    pub(crate) fn pass_on_decree(&mut self, decree: &Arc<Decree>) {
        for shard in 0..self.settings.shards {
            self.send_mail(ShardId(shard), crate::Mail::Decreed(decree.clone()));
        }
    }

    /// Does what was decreed. Says with how many sessions.
    pub(crate) fn heed(&mut self, decree: &Decree, now: Now) -> Result<usize, Refusal> {
        Ok(match decree {
            Decree::Disconnect(whose) => {
                let places = self.select(whose);
                places.iter().for_each(|place| self.part(*place, Farewell::Disconnected, now));
                places.len()
            }
            Decree::Kick(room, whose) => self.expel(whose, room, Refusal::Kicked, now),
            Decree::Rule(rulings) => self.enforce(rulings, now)?,
        })
    }

    fn exchange_cards(&mut self, ticket: Ticket, card: Arc<str>, now: Now) {
        self.tell_nodes(&Envelope::Card(card), now);
        let alive = self.homes.nodes();
        self.office.cards.retain(|(node, _)| alive.contains(node));
        self.office.report(ticket, Report::Cards(self.office.cards.clone()));
    }

    /// Another node has told how it is. It is kept for who asks, as long as that node is known to be alive.
    pub(crate) fn keep_card(&mut self, from: NodeId, card: Arc<str>) {
        if card.len() > CARD_BYTES_MAX || !self.homes.nodes().contains(&from) {
            return;
        }
        match self.office.cards.iter_mut().find(|(node, _)| *node == from) {
            Some((_, known)) => *known = card,
            None => self.office.cards.push((from, card)),
        }
    }

    /// A home answers what the office has asked of it.
    pub(crate) fn answer_office(&mut self, to: SessionKey, event: &Event) {
        if to.slot != OFFICE {
            return;
        }
        let report = match event {
            Event::Page { messages, more, .. } => Report::Page(messages.clone(), *more),
            Event::Accepted { at, .. } => Report::Accepted(*at),
            Event::Refused { refusal, .. } => Report::Refused(*refusal),
            _ => return,
        };
        self.office.report(to.generation, report);
    }

    /// Goes on with what takes long.
    pub(crate) fn survey_slice(&mut self, now: Now) {
        let Some((ticket, mut survey)) = self.office.surveys.pop_front() else { return };
        match survey.go_on(&self.sessions, &mut self.audiences, &self.streams, now) {
            Some(report) => self.office.report(ticket, report),
            None => self.office.surveys.push_back((ticket, survey)),
        }
    }

    /// Whether a survey is not done.
    pub(crate) fn is_surveying(&self) -> bool {
        !self.office.surveys.is_empty()
    }

    /// Says what there is to report.
    pub(crate) fn tell_reports(&mut self, effects: &mut dyn Effects) {
        self.office.reports.drain(..).for_each(|(ticket, report)| effects.report(ticket, report));
    }

    fn survey(&mut self, ticket: Ticket, survey: Survey) {
        if self.office.surveys.len() >= SURVEYS_MAX {
            return self.office.report(ticket, Report::Refused(Refusal::Overloaded));
        }
        self.office.surveys.push_back((ticket, survey));
    }

    /// To whom a home answers what the office asks.
    fn desk(&self, ticket: Ticket) -> SessionKey {
        SessionKey { node: self.settings.node, shard: self.settings.shard, slot: OFFICE, generation: ticket }
    }
}
