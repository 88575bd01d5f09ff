//! Biddings, and what they are answered, as fields of envelopes.

use std::sync::Arc;

use bytes::Bytes;
use chat::{Bidding, Content, Group, Peer, Reply, RoomId, SignalName, Whom, Wish};

use crate::fields::{Reader, Writer};

/// So many groups, rooms or attachments another node is believed.
const MANY: u64 = 4096;

impl Writer {
    pub(crate) fn bidding(&mut self, bidding: &Bidding) {
        self.text(&bidding.namespace);
        self.option(bidding.ticket, Self::number);
        match &bidding.wish {
            Wish::Tell { whom, within, signal, content } => {
                self.byte(0);
                self.whom(whom);
                self.room(within);
                self.text(signal.as_str());
                self.content(content);
            }
            Wish::Enter { whom, rooms } => {
                self.byte(1);
                self.whom(whom);
                self.list(rooms, Self::room);
            }
            Wish::Leave { whom, rooms } => {
                self.byte(2);
                self.whom(whom);
                self.list(rooms, Self::room);
            }
            Wish::Dismiss { whom, wholly } => {
                self.byte(3);
                self.whom(whom);
                self.byte(u8::from(*wholly));
            }
            Wish::Name { whom } => {
                self.byte(4);
                self.whom(whom);
            }
            Wish::Serve { event, content } => {
                self.byte(5);
                self.text(event);
                self.content(content);
            }
        }
    }

    pub(crate) fn reply(&mut self, reply: &Reply) {
        self.list(&reply.peers, |out, peer| {
            out.text(&peer.alias);
            out.user(peer.user.as_ref());
            out.list(&peer.rooms, Self::room);
        });
        self.option(reply.said.as_deref(), Self::text);
    }

    fn whom(&mut self, whom: &Whom) {
        self.list(&whom.of, Self::group);
        self.list(&whom.but, Self::group);
    }

    fn group(&mut self, group: &Group) {
        match group {
            Group::Room(room) => {
                self.byte(0);
                self.room(room);
            }
            Group::Alias(alias) => {
                self.byte(1);
                self.text(alias);
            }
        }
    }

    fn content(&mut self, content: &Content) {
        self.text(&content.arguments);
        self.list(&content.attachments, |out, attachment| {
            out.blob(attachment);
        });
    }

    fn list<T>(&mut self, things: &[T], write: impl Fn(&mut Self, &T)) {
        self.number(things.len() as u64);
        things.iter().for_each(|thing| write(self, thing));
    }
}

impl Reader<'_> {
    pub(crate) fn bidding(&mut self) -> Option<Bidding> {
        let (namespace, ticket) = (self.text()?.into(), self.option(Self::number)?);
        let wish = match self.byte()? {
            0 => Wish::Tell {
                whom: self.whom()?,
                within: self.room()?,
                signal: SignalName::new(self.text()?)?,
                content: Arc::new(self.content()?),
            },
            1 => Wish::Enter { whom: self.whom()?, rooms: self.rooms()? },
            2 => Wish::Leave { whom: self.whom()?, rooms: self.rooms()? },
            3 => Wish::Dismiss { whom: self.whom()?, wholly: self.byte()? != 0 },
            4 => Wish::Name { whom: self.whom()? },
            5 => Wish::Serve { event: self.text()?.into(), content: Arc::new(self.content()?) },
            _ => return None,
        };
        Some(Bidding { namespace, wish, ticket })
    }

    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let peers = self.list(|fields| {
            let (alias, user) = (fields.text()?.to_owned(), fields.user()?);
            Some(Peer { alias, user, rooms: fields.rooms()? })
        })?;
        let said = self.option(|fields| fields.text().map(str::to_owned))?;
        Some(Reply { peers, said })
    }

    fn whom(&mut self) -> Option<Whom> {
        Some(Whom { of: self.list(Self::group)?, but: self.list(Self::group)? })
    }

    fn group(&mut self) -> Option<Group> {
        match self.byte()? {
            0 => Some(Group::Room(self.room()?)),
            1 => Some(Group::Alias(self.text()?.into())),
            _ => None,
        }
    }

    fn rooms(&mut self) -> Option<Vec<RoomId>> {
        self.list(Self::room)
    }

    fn content(&mut self) -> Option<Content> {
        let arguments = self.text()?.into();
        let attachments = self.list(|fields| fields.blob().map(Bytes::copy_from_slice))?;
        Some(Content { arguments, attachments })
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        // Whatever the number says, nothing is set aside for what is not there.
        (0..self.number_up_to(MANY)?).map(|_| read(self)).collect()
    }
}
