//! Commands that wait. What a session asks of a room hangs on whether it is a member there, and only the room's home can say: until it has,
//! such commands are put off, and then done in the order in which they were asked. So are those with large answers while an earlier large
//! answer is still on its way, so that a session that asks for much at once is not taken for one that reads too slowly.

use std::collections::VecDeque;

use chat::{Body, Command, Credentials, Farewell, RoomId};

use crate::commands::tag_of;
use crate::flood::{Paid, Toll};
use crate::sessions::{PENDING, Session};
use crate::streams::Place;
use crate::{Now, Shard};

/// What a session has asked and what was put off, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    commands: VecDeque<Command>,
    bytes: usize,
}

/// A session of which more is put off is not read until all of it is done.
const HELD_BYTES: usize = 16 * 1024;

impl Waiting {
    /// What keeping the commands costs.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    pub(crate) fn push(&mut self, command: Command, weight: usize) -> usize {
        self.bytes += weight;
        self.commands.push_back(command);
        self.bytes
    }

    pub(crate) fn pop(&mut self) -> Option<(Command, usize)> {
        let command = self.commands.pop_front()?;
        let weight = weight(&command);
        self.bytes -= weight;
        Some((command, weight))
    }
}

impl Shard {
    /// Does a command, or puts it off.
    pub(crate) fn command(&mut self, place: Place, command: Command, now: Now) {
        let Some(session) = self.sessions.get(place) else { return };
        if session.extras.waiting().is_some() || self.must_wait(session, &command) {
            return self.put_off(place, command, now);
        }
        match self.pay(place, self.toll(&command), now) {
            Paid::Now => self.carry_out(place, command, now),
            Paid::Later => self.put_off(place, command, now),
            Paid::Never(refusal) => self.refuse_flood(place, tag_of(&command).cloned(), refusal, now),
        }
    }

    /// Does what was put off, as far as it can be done now.
    pub(crate) fn go_on(&mut self, place: Place, now: Now) {
        while let Some(toll) = self.next_toll(place) {
            let paid = self.pay(place, toll, now);
            if paid == Paid::Later {
                return;
            }
            let Some(command) = self.next_waiting(place) else { return };
            match paid {
                Paid::Never(refusal) => self.refuse_flood(place, tag_of(&command).cloned(), refusal, now),
                Paid::Now | Paid::Later => self.carry_out(place, command, now),
            }
        }
        self.read_on(place, now);
    }

    /// Does what was put off by sessions that have been sent something, and has let go what only they had not been sent.
    pub(crate) fn go_on_after_sending(&mut self, now: Now) {
        let mut sent = std::mem::take(&mut self.sent);
        for place in sent.drain(..) {
            let rooms = self.sessions.get(place).map(|session| &session.rooms);
            rooms
                .into_iter()
                .flatten()
                .for_each(|membership| self.audiences.let_go_after(membership.audience));
            self.go_on(place, now);
        }
        sent.append(&mut self.sent);
        self.sent = sent;
    }

    fn put_off(&mut self, place: Place, command: Command, now: Now) {
        let bytes_max = self.settings.session_queue_bytes;
        let Some(session) = self.sessions.get_mut(place) else { return };
        let weight = weight(&command);
        let bytes = session.extras.push_waiting(command, weight);
        let (is_much, is_too_much) = (bytes > HELD_BYTES, bytes > bytes_max);
        self.sessions.put_off_bytes += weight;
        if is_too_much {
            self.part(place, Farewell::Overloaded, now);
        } else if is_much && let Some(stream) = self.stream_to_hold(place) {
            self.hold(stream, true);
        }
    }

    /// What the next command takes from; `None`: there is none that can be done now.
    fn next_toll(&self, place: Place) -> Option<Toll> {
        let session = self.sessions.get(place)?;
        let front = session.extras.waiting()?.commands.front()?;
        (!self.must_wait(session, front)).then(|| self.toll(front))
    }

    fn next_waiting(&mut self, place: Place) -> Option<Command> {
        let (command, weight) = self.sessions.get_mut(place)?.extras.pop_waiting()?;
        self.sessions.put_off_bytes -= weight;
        Some(command)
    }

    fn must_wait(&self, session: &Session, command: &Command) -> bool {
        let is_asked = |is_meant: &dyn Fn(&RoomId) -> bool| {
            let mut pending = session.rooms.iter().filter(|membership| membership.member == PENDING);
            pending.any(|membership| is_meant(&self.audiences.get(membership.audience).room))
        };
        if session.awaits_verdict {
            return true;
        }
        match command {
            Command::AskTime { .. } | Command::Proclaim { .. } | Command::Bid { .. } => false,
            Command::Identify { .. } | Command::LeaveAll { .. } => is_asked(&|_| true),
            Command::Direct { .. } => is_asked(&RoomId::is_inbox),
            Command::Join { room, since, .. } => {
                is_asked(&|asked| asked == room || asked.is_inbox())
                    || (since.is_some() && self.is_busy_answering(session))
            }
            Command::Recall { room, .. } => {
                is_asked(&|asked| asked == room || asked.is_inbox()) || self.is_busy_answering(session)
            }
            Command::Leave { room, .. }
            | Command::Post { room, .. }
            | Command::Signal { room, .. }
            | Command::Announce { room, .. } => is_asked(&|asked| asked == room || asked.is_inbox()),
        }
    }

    /// Whether a large answer is on its way to the session, or not sent yet.
    fn is_busy_answering(&self, session: &Session) -> bool {
        let stream = self.streams.get(session.stream);
        let unsent = stream.map_or(session.extras.own().len(), |stream| stream.own().len());
        session.awaits_much || unsent > self.settings.session_queue_bytes / 4
    }
}

/// What keeping a command costs, in bytes.
fn weight(command: &Command) -> usize {
    let said = match command {
        Command::Post { body, .. } | Command::Direct { body, .. } => Body::len(body),
        Command::Signal { content: Some(content), .. }
        | Command::Announce { content, .. }
        | Command::Proclaim { content, .. } => content.len(),
        Command::Identify { credentials: Credentials::Token(secret), .. }
        | Command::Identify { credentials: Credentials::Password(_, secret), .. } => secret.reveal().len(),
        _ => 0,
    };
    size_of::<Command>() + said
}
