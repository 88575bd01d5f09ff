//! Biddings of applications, and of servers of another make that stand beside this node: which sessions are meant, and what is done with them.

use backplanes::Ask;
use chat::{Bidding, Command, Content, Event, Farewell, Group, Peer, Reply, RoomId, SignalName, Whom, Wish};
use gateways::{Form, Outbox};
use hashbrown::{HashMap, HashSet};

use crate::home::Addressed;
use crate::latency::Heard;
use crate::streams::Place;
use crate::{Now, Shard};

use std::sync::Arc;

/// So many are told one by one, in the order in which everything from beside comes. More are told as what is said in the room is: in slices,
/// so that others have their turn in between.
const CROWD: usize = 1000;

/// A session that is meant, and the room for whose sake.
type Meant = (Place, Option<RoomId>);

impl Shard {
    /// Does what a server beside this node wants, and answers if there is an answer.
    pub(crate) fn obey(&mut self, bidding: &Bidding, now: Now, out: &mut Vec<Addressed>) {
        let reply = self.fulfil(bidding, now);
        if let Some(ticket) = bidding.ticket {
            self.homes.ask(Ask::Reply { ticket, reply }, now, out);
        }
    }

    /// Does what somebody wants. Says what there is to be answered.
    pub(crate) fn fulfil(&mut self, bidding: &Bidding, now: Now) -> Reply {
        let namespace = &*bidding.namespace;
        let mut reply = Reply::default();
        match &bidding.wish {
            Wish::Tell { whom, within, signal, content } => {
                self.tell_sign(namespace, whom, (within, signal, content), now);
            }
            Wish::Enter { whom, rooms } => self.for_each(namespace, whom, rooms, now, |is_in, room| {
                (!is_in).then_some(Command::Join { room, since: None, tag: None })
            }),
            Wish::Leave { whom, rooms } => self.for_each(namespace, whom, rooms, now, |is_in, room| {
                is_in.then_some(Command::Leave { room, tag: None })
            }),
            Wish::Dismiss { whom, wholly } => self.dismiss(namespace, whom, *wholly, now),
            Wish::Name { whom } => reply.peers = self.name_peers(namespace, whom),
            Wish::Serve { event, content } => {
                reply.said =
                    self.gateways.iter_mut().find_map(|gateway| gateway.serve(namespace, event, content));
            }
        }
        reply
    }

    /// Tells the servers beside this node an event.
    pub(crate) fn proclaim(&mut self, namespace: Box<str>, event: Box<str>, content: Arc<Content>, now: Now) {
        let mut out = Vec::new();
        self.homes.ask(Ask::Proclaim { namespace, event, content }, now, &mut out);
        self.mail.extend(out);
    }

    /// Tells a sign to the members of rooms, of whatever protocol, or to everybody in the namespace.
    fn tell_sign(
        &mut self,
        namespace: &str,
        whom: &Whom,
        (within, signal, content): (&RoomId, &SignalName, &Arc<Content>),
        now: Now,
    ) {
        let event = |room: RoomId| {
            let (signal, content) = (signal.clone(), Some(content.clone()));
            Event::Signal { room, user: None, signal, content }
        };
        let but = self.places(namespace, &whom.but);
        if let ([Group::Room(room)], true) = (&*whom.of, but.is_empty())
            && let Some(audience) = self.audiences.find(room)
            && self.audiences.get(audience).members.len() > CROWD
        {
            return self.audiences.tell(room, &event(room.clone()), Heard::default(), &mut self.gateways);
        }
        let mut meant = match &*whom.of {
            [] => self.everybody_in(namespace).into_iter().map(|place| (place, None)).collect(),
            groups => groups.iter().flat_map(|group| self.group(namespace, group)).collect::<Vec<Meant>>(),
        };
        let mut written: HashMap<(Form, Option<RoomId>), Vec<u8>> = HashMap::new();
        let mut seen = HashSet::new();
        meant.retain(|(place, _)| !but.contains(place) && seen.insert(*place));
        for (place, room) in meant {
            let Some(session) = self.sessions.get(place) else { continue };
            let Some(variant) = session.protocol.form() else { continue };
            let (stream, form) =
                (session.stream, Form { gateway: session.gateway, variant, names_users: true });
            let bytes = written.entry((form, room)).or_insert_with_key(|(form, room)| {
                let mut bytes = Vec::new();
                let event = event(room.clone().unwrap_or_else(|| within.clone()));
                self.gateways[usize::from(form.gateway)].encode(variant, &event, &mut bytes);
                bytes
            });
            let mut out = Outbox { bytes: bytes.clone(), ..Outbox::default() };
            self.settle(place, stream, &mut out, now);
        }
    }

    /// Has those who are meant ask for what is fitting in each room, given whether they are in it.
    fn for_each(
        &mut self,
        namespace: &str,
        whom: &Whom,
        rooms: &[RoomId],
        now: Now,
        fitting: impl Fn(bool, RoomId) -> Option<Command>,
    ) {
        for place in self.meant(namespace, whom) {
            for room in rooms {
                let is_in = self.membership(place, room).is_some();
                if let Some(command) = fitting(is_in, room.clone()) {
                    self.command(place, command, now);
                }
            }
        }
    }

    fn dismiss(&mut self, namespace: &str, whom: &Whom, wholly: bool, now: Now) {
        for place in self.meant(namespace, whom) {
            if wholly {
                self.part(place, Farewell::Bye, now);
                continue;
            }
            let Some(session) = self.sessions.get_mut(place) else { continue };
            let (stream, mut out) = (session.stream, Outbox::default());
            session.protocol.dismiss(namespace, &mut out);
            self.act(stream, place, &mut out, now);
        }
    }

    fn name_peers(&self, namespace: &str, whom: &Whom) -> Vec<Peer> {
        let peer = |place: Place| {
            let session = self.sessions.get(place)?;
            let rooms = session.rooms.iter().map(|membership| &self.audiences.get(membership.audience).room);
            let rooms = rooms.filter(|room| room.is_public()).cloned().collect();
            Some(Peer { alias: session.protocol.alias(namespace)?, user: session.user.clone(), rooms })
        };
        self.meant(namespace, whom).into_iter().filter_map(peer).collect()
    }

    /// The sessions in the namespace that are meant.
    fn meant(&self, namespace: &str, whom: &Whom) -> Vec<Place> {
        let (but, mut seen) = (self.places(namespace, &whom.but), HashSet::new());
        let of = match &*whom.of {
            [] => self.everybody_in(namespace),
            groups => {
                groups.iter().flat_map(|group| self.group(namespace, group)).map(|(place, _)| place).collect()
            }
        };
        let is_there = |place| {
            let session = self.sessions.get(place);
            session.is_some_and(|session| session.protocol.alias(namespace).is_some())
        };
        of.into_iter()
            .filter(|place| !but.contains(place) && seen.insert(*place) && is_there(*place))
            .collect()
    }

    fn places(&self, namespace: &str, groups: &[Group]) -> HashSet<Place> {
        groups.iter().flat_map(|group| self.group(namespace, group)).map(|(place, _)| place).collect()
    }

    fn everybody_in(&self, namespace: &str) -> Vec<Place> {
        let there = self.sessions.iter().filter(|(_, session)| session.protocol.alias(namespace).is_some());
        there.map(|(place, _)| place).collect()
    }

    fn group(&self, namespace: &str, group: &Group) -> Vec<Meant> {
        match group {
            Group::Room(room) => {
                let Some(audience) = self.audiences.find(room) else { return Vec::new() };
                let members = self.audiences.get(audience).members.iter();
                members.map(|member| (member.session, Some(room.clone()))).collect()
            }
            Group::Alias(alias) => {
                let is_called = |name: Option<String>| name.as_deref() == Some(&**alias);
                let called =
                    self.sessions.iter().filter(|(_, session)| is_called(session.protocol.alias(namespace)));
                called.map(|(place, _)| (place, None)).collect()
            }
        }
    }
}
