//! What arrives from the backplane, and what a home makes of it.

use std::sync::Arc;

use backplanes::{Arrival, Ask, NodeId, Opened};
use bytes::Bytes;
use chat::{Author, Body, Event, Message, Position, Refusal, RoomId};

use super::happenings::Before;
use super::room::{Waiting, answer_refused, known_there};
use super::{Addressed, Asked, Homes, NO_REPLY};
use crate::Now;
use crate::envelopes::addressee;
use crate::latency::Heard;
use crate::mail::{Enter, Mail};

impl Homes {
    /// Asks the backplane, and takes what it answers at once.
    pub(crate) fn ask(&mut self, ask: Ask, now: Now, out: &mut Vec<Addressed>) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        self.backplane.ask(ask, &mut arrivals);
        self.take(arrivals, now, out);
    }

    /// Takes what has arrived since the last time. Says whether there is more.
    pub(crate) fn collect(&mut self, now: Now, out: &mut Vec<Addressed>) -> bool {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        let more = self.backplane.collect(&mut arrivals);
        self.take(arrivals, now, out);
        self.hear_store(now, out) | more
    }

    /// Sends something to another node.
    pub(crate) fn send_all(&mut self, bytes: Bytes, now: Now, out: &mut Vec<Addressed>) {
        self.ask(Ask::SendAll { bytes }, now, out);
    }

    pub(crate) fn send(&mut self, to: NodeId, bytes: Bytes, now: Now, out: &mut Vec<Addressed>) {
        self.ask(Ask::Send { to, bytes }, now, out);
    }

    fn take(&mut self, mut arrivals: Vec<Arrival>, now: Now, out: &mut Vec<Addressed>) {
        for arrival in arrivals.drain(..) {
            self.arrive(arrival, now, out);
        }
        if arrivals.capacity() > self.arrivals.capacity() {
            self.arrivals = arrivals;
        }
    }

    fn arrive(&mut self, arrival: Arrival, now: Now, out: &mut Vec<Addressed>) {
        match arrival {
            Arrival::Opened(opened) => self.opened(opened, now, out),
            Arrival::Shut { room, refusal } => self.shut(room, refusal, now, out),
            Arrival::Ordered { message, ticket } => {
                let is_heard = self.witness.listens_in(&message.room);
                if is_heard {
                    // Who said it was seen to come before.
                    self.entrust_seen();
                }
                self.show(&message, out);
                if is_heard {
                    self.witness.hear(&message);
                    self.entrust_seen();
                }
                self.accept((&message.room, message.at), ticket, now, out);
            }
            Arrival::Posted(message) => self.show(&message, out),
            Arrival::Placed { at, ticket } => self.placed(ticket, at, now, out),
            Arrival::Failed { refusal, ticket } => {
                self.answer(ticket, out, |tag| Event::Refused { tag, refusal });
            }
            Arrival::Told { room, signal } => self.show_signal(&room, &signal, out),
            Arrival::Elsewhere { room, node, here } => self.elsewhere(&room, node, here, now, out),
            Arrival::Sent { from, bytes } => {
                let (here, shards) = self.place;
                // What is for no shard of this node is nobody's, and counted where it came in.
                let to = addressee(&bytes).filter(|shard| shard.0 < shards).unwrap_or(here);
                out.push((to, Mail::Envelope { from, bytes }));
            }
            Arrival::Nodes(nodes) => self.meet(nodes),
            Arrival::Bidden(bidding) => out.push((self.place.0, Mail::Bidden(bidding))),
        }
    }

    /// A message is the room's next.
    fn show(&mut self, message: &Arc<Message>, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(&message.room) else { return };
        home.head = Some(message.at);
        home.call(None);
        self.store.append(message);
        let followed = self.followed.take_if(|order| is_of(order, message));
        let heard = followed.map_or(self.heard, |order| order.3);
        if let Some(trace) = heard.trace {
            out.push((self.place.0, Mail::Placed { trace, at: message.at }));
        }
        home.tell(&message.room, &Event::Posted(message.clone()), heard, out);
    }

    /// An order stands at a position of its room.
    fn placed(&mut self, ticket: u64, at: Position, now: Now, out: &mut Vec<Addressed>) {
        let whole = self.asks.get_mut(ticket as usize).and_then(|asked| asked.order.take());
        if let Some(order) = whole {
            self.hear_placed(*order, at);
        }
        let asked = self.asks.get_mut(ticket as usize);
        match asked.and_then(|asked| asked.lasting.take()) {
            // An inbox is kept where its user is.
            Some(room) if !room.is_inbox() || self.rooms.contains(&room) => {
                self.accept((&room, at), ticket, now, out);
            }
            _ => self.answer(ticket, out, |tag| Event::Accepted { tag, at }),
        }
    }

    pub(super) fn answer(
        &mut self,
        ticket: u64,
        out: &mut Vec<Addressed>,
        event: impl FnOnce(Option<chat::Tag>) -> Event,
    ) {
        if ticket != NO_REPLY {
            let Asked { to, tag, .. } = self.asks.remove(ticket as usize);
            out.push((to.shard, Mail::Answer { to, event: event(tag) }));
        }
    }

    /// The backplane says how a room stands. What was not shown of it yet is shown, what cannot be shown any more is told, and who waited
    /// enters. Where it goes by another epoch and there is nothing to be told, nobody is told that either, nor who comes until there is.
    fn opened(&mut self, opened: Opened, now: Now, out: &mut Vec<Addressed>) {
        let Opened { room, head, mut lineage, tail } = opened;
        let Some(home) = self.rooms.get_mut(&room) else { return };
        let known = home.head.map(|shown| home.called(shown));
        let (shown, before, mut called) = (home.head.replace(head), home.lineage(), None);
        if let (Some(shown), Some(known)) = (shown, known) {
            // What lived on of it and was shown is not shown again, also where the end of it did not, or where an epoch in between did not.
            let by_former = before
                .former
                .iter()
                .map(|(epoch, last)| Position { epoch: *epoch, offset: shown.offset.min(*last) });
            let ways = std::iter::once(shown).chain(by_former);
            let shared = ways.filter_map(|at| lineage.shared(at, head)).max();
            if let Some(last) = shared {
                // So it does for those who come back.
                let shown_by = [shown.epoch, known.epoch].into_iter();
                lineage = shown_by.fold(lineage, |lineage, epoch| lineage.joined_by(epoch, last, head));
            }
            let from = shared.unwrap_or(0);
            let news = tail.iter().filter(|message| message.at.offset > from);
            let reached = news.clone().next().map_or(head.offset, |first| first.at.offset - 1);
            if shared != Some(shown.offset) || from < reached {
                let at = Position { epoch: head.epoch, offset: reached };
                let lost = Event::Lost { room: room.clone(), since: known, at };
                home.tell(&room, &lost, Heard::default(), out);
            } else if from == head.offset {
                called = Some(known.epoch).filter(|epoch| *epoch != head.epoch);
            }
            news.for_each(|message| {
                home.tell(&room, &Event::Posted(message.clone()), Heard::default(), out);
            });
        }
        self.store.adopt(&room, head, &lineage, &tail);
        if lineage != home.lineage() {
            home.far().lineage = lineage;
        }
        home.call(called);
        self.go_on(&room, now, out);
    }

    /// A room cannot be attended to: nobody enters. That of everybody nobody has asked for by name, and nobody would ask again: they wait.
    pub(super) fn shut(&mut self, room: RoomId, refusal: Refusal, now: Now, out: &mut Vec<Addressed>) {
        if room.is_everybody() {
            return;
        }
        let Some(home) = self.rooms.get_mut(&room) else { return };
        let waiting = home.take_waiting();
        if home.head.is_none() {
            self.let_go(&room);
            self.ask(Ask::Forsake(room.clone()), now, out);
        }
        for waiting in waiting {
            match waiting {
                Waiting::Enter(enter) => {
                    self.turn_back(&enter, now, out);
                    let Enter { room, session, tag, .. } = enter;
                    out.push((session.shard, Mail::Barred { to: session, room, tag, refusal }));
                }
                Waiting::Post(post) => answer_refused(post, refusal, out),
                Waiting::Missing(missing) => self.miss_later(&room, missing, now),
            }
        }
    }

    /// Who waited to enter does not, and was counted already.
    fn turn_back(&mut self, enter: &Enter, now: Now, out: &mut Vec<Addressed>) {
        let Enter { room, session, user, .. } = enter;
        let Some(home) = self.rooms.get_mut(room) else { return };
        if home.forget_session(session.shard) {
            let is_seen = home.head.is_some() && self.witness.is_at_door_of(room);
            let before = is_seen.then(|| Before::of(&home.roster));
            home.roster.leave(known_there(room, user.as_ref()));
            if let Some(before) = before {
                self.witness.see((room, &home.roster), before, user.as_ref(), now.wall);
            }
            self.presence_changed(room, now, out);
            self.watch(room, now);
        }
    }
}

/// Whether that is the message that was ordered so.
fn is_of((room, author, body, _): &(RoomId, Author, Body, Heard), message: &Message) -> bool {
    (room, author, body) == (&message.room, &message.author, &message.body)
}
