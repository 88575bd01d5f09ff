//! What is heard from the servers beside, and what comes of it here.

use std::borrow::Cow;
use std::sync::Arc;

use backplanes::Order;
use bytes::Bytes;
use chat::{Content, Group, RoomId, SignalName, Tag, Time, Whom, Wish};
use gateways::{Namespace, beside};
use wire::socketio::adapter::{Answer, Broadcast, Ear, Letter, Message, Said, Selection};

use super::{Act, Bridge, OURS};
use crate::between::Down;

impl Bridge {
    /// Takes what came by a channel.
    pub(crate) fn hear(&mut self, channel: &str, bytes: &[u8], now: Time, acts: &mut Vec<Act>) {
        if channel == self.channel_of_marks {
            return self.marks.begin(&String::from_utf8_lossy(bytes));
        }
        let found = self.circles.iter().enumerate().find_map(|(place, (_, circle))| {
            circle.hears(channel).filter(|ear| *ear != Ear::Answers).map(|_| place)
        });
        let Some(place) = found else { return };
        let tag = self.marks.tag(channel);
        let Ok(letter) = Letter::open(bytes, &self.limits) else { return };
        let circle = self.circles[place].1.clone();
        let Ok(Message { from, said }) = circle.read(&letter) else { return };
        if from == self.name {
            return;
        }
        let is_ours = from.starts_with(OURS);
        match said {
            // What clients of our other nodes say comes by the backplane.
            Said::Broadcast(_) | Said::ServerSide { request: None, .. } if is_ours => {}
            Said::Broadcast(event) => self.hear_event(place, &from, event, (&letter, tag, now), acts),
            said => self.hear_request(place, &from, said, &letter, acts),
        }
    }

    fn hear_event(
        &mut self,
        place: usize,
        from: &str,
        event: Broadcast<'_>,
        (letter, tag, now): (&Letter, Option<String>, Time),
        acts: &mut Vec<Act>,
    ) {
        if let Some(wants) = &event.wants {
            // Nobody here will acknowledge it.
            let circle = &self.circles[place].1;
            let nobody: &[Vec<u8>] = &[];
            let (channel, bytes) = circle.write_answer(from, &wants.request, &Answer::Asked(0), nobody);
            acts.push(Act::Publish(channel, bytes));
        }
        if let Some(room) = self.room_of_message(place, &event)
            && let Some((author, body)) = beside::read_message(&event.arguments, letter.attachments())
        {
            let home = self.homes.get(&room).copied();
            let tag = tag.and_then(|tag| Tag::new(&tag));
            if let (Some(shard), tag @ Some(_)) = (home, tag) {
                let order = Order { room, author, body, tag, time: now, ticket: 0 };
                acts.push(Act::Tell(shard, Down::Order(order)));
            }
            return;
        }
        let Some(signal) = SignalName::new(&event.name) else { return };
        let attachments = letter.attachments().iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect();
        let content = Content { arguments: event.arguments.join(",").into(), attachments };
        self.tell(place, &event.to, signal, content.into(), acts);
    }

    /// The room that an event is a message in, to everybody there; `None`: it is none.
    fn room_of_message(&self, place: usize, event: &Broadcast<'_>) -> Option<RoomId> {
        let (namespace, _) = self.circles[place];
        // Servers leave out the client that has said it, which is one of theirs.
        if !event.to.except.iter().all(|name| may_be_alias(name)) {
            return None;
        }
        match &*event.to.rooms {
            [room] if *event.name == *self.message => self.names.room(namespace, room).ok(),
            [] if *event.name == *self.all && namespace == Namespace::MAIN => Some(RoomId::everybody()),
            _ => None,
        }
    }

    fn tell(
        &mut self,
        place: usize,
        to: &Selection<'_>,
        signal: SignalName,
        content: Arc<Content>,
        acts: &mut Vec<Act>,
    ) {
        let (namespace, _) = self.circles[place];
        let Ok(within) = self.names.room(namespace, "*") else { return };
        let whom = self.whom(namespace, to);
        self.bid(place, Wish::Tell { whom, within, signal, content }, None, acts);
    }

    fn hear_request(
        &mut self,
        place: usize,
        from: &str,
        said: Said<'_>,
        letter: &Letter,
        acts: &mut Vec<Act>,
    ) {
        let (namespace, _) = self.circles[place];
        let rooms = |names: &[Cow<'_, str>]| {
            names.iter().filter_map(|name| self.names.room(namespace, name).ok()).collect::<Vec<_>>()
        };
        let (wish, request) = match said {
            Said::Join { who, rooms: names } => {
                (Wish::Enter { whom: self.whom(namespace, &who), rooms: rooms(&names) }, None)
            }
            Said::Leave { who, rooms: names } => {
                (Wish::Leave { whom: self.whom(namespace, &who), rooms: rooms(&names) }, None)
            }
            Said::Disconnect { who, close } => {
                (Wish::Dismiss { whom: self.whom(namespace, &who), wholly: close }, None)
            }
            Said::Fetch { who, request } => (Wish::Name { whom: self.whom(namespace, &who) }, Some(request)),
            Said::Rooms { request } => return self.answer_rooms(place, from, &request, acts),
            Said::ServerSide { arguments, request } => {
                let Some((event, content)) = server_side(&arguments, letter) else { return };
                (Wish::Serve { event, content }, request)
            }
            Said::Broadcast(_) => return,
        };
        self.bid(place, wish, request.map(|request| (from, request.into_owned())), acts);
    }

    fn whom(&self, namespace: Namespace, selection: &Selection<'_>) -> Whom {
        let groups = |names: &[Cow<'_, str>]| {
            let alias = |name: &str| may_be_alias(name).then(|| Group::Alias(name.into()));
            let room = |name: &str| self.names.room(namespace, name).ok().map(Group::Room);
            names.iter().flat_map(|name| [alias(name), room(name)]).flatten().collect::<Vec<_>>()
        };
        let (of, but) = (groups(&selection.rooms), groups(&selection.except));
        let is_for_nobody = of.is_empty() && !selection.rooms.is_empty();
        // A name that no room here can have means no one here, not everybody.
        if is_for_nobody { Whom { of: vec![Group::Alias("".into())], but } } else { Whom { of, but } }
    }
}

/// Whether a room of this name may be a socket's own: ids are that long, here and elsewhere.
fn may_be_alias(name: &str) -> bool {
    name.len() == 20 && name.is_ascii()
}

fn server_side(arguments: &[&str], letter: &Letter) -> Option<(Box<str>, Arc<Content>)> {
    let (name, arguments) = arguments.split_first()?;
    let event = beside::text(name)?;
    let attachments = letter.attachments().iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect();
    Some((event, Arc::new(Content { arguments: arguments.join(",").into(), attachments })))
}
