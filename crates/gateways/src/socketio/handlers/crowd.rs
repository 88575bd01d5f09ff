//! Clients of a namespace as handlers see them wherever they are, on whichever node.

use std::time::Duration;

use chat::{Command, Content, Group, Peer, Refusal, Whom, Wish};

use super::arguments::Arguments;
use super::socket::Socket;
use crate::Wake;
use crate::socketio::handled::Awaited;

/// Clients of the namespace on every node: everybody, or those in rooms.
pub struct Crowd<'s, 'a> {
    socket: &'s mut Socket<'a>,
    whom: Whom,
}

/// A client that was found, perhaps on another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it knows as `socket.id`.
    pub id: String,
    /// The name it goes by.
    pub user: Option<String>,
    /// The rooms of the namespace that it is in.
    pub rooms: Vec<String>,
}

impl<'a> Socket<'a> {
    /// Everybody in the namespace, on every node.
    pub fn everybody(&mut self) -> Crowd<'_, 'a> {
        Crowd { socket: self, whom: Whom::default() }
    }

    /// Those in a room, on every node.
    pub fn all_in(&mut self, room: &str) -> Result<Crowd<'_, 'a>, Refusal> {
        self.everybody().and_in(room)
    }

    /// The one with this id, on whichever node.
    pub fn one(&mut self, id: &str) -> Crowd<'_, 'a> {
        let whom = Whom { of: vec![Group::Alias(id.into())], but: Vec::new() };
        Crowd { socket: self, whom }
    }

    /// Tells the other servers of the cluster an event (`serverSideEmit`): our other nodes, and those of Socket.IO that this node stands beside.
    pub fn server_side_emit(&mut self, event: &str, arguments: impl Into<Arguments>) {
        let (namespace, content) = (self.namespace().into(), Content::from(arguments.into()));
        let content = std::sync::Arc::new(content);
        self.ask(Command::Proclaim { namespace, event: event.into(), content: content.clone() });
        self.bid(Wish::Serve { event: event.into(), content }, None);
    }

    /// Tells our other nodes an event, and calls `then` with what they acknowledge it with, each as JSON; with nothing when not all of them have
    /// said that they have heard it, or after a minute. A node without a handler for it answers nothing. `Err`: so many answers are awaited
    /// that this one is not.
    pub fn server_side_emit_with_ack(
        &mut self,
        event: &str,
        arguments: impl Into<Arguments>,
        timeout: Duration,
        then: impl FnOnce(&mut Socket<'_>, Option<&[String]>) + 'static,
    ) -> Result<(), Refusal> {
        let content = std::sync::Arc::new(Content::from(arguments.into()));
        let then = Awaited::Servers(Box::new(|socket, answers| {
            then(socket, answers.map(|answers| &*answers.said));
        }));
        self.bid_with_answer(Wish::Serve { event: event.into(), content }, timeout, then)
    }

    fn bid(&mut self, wish: Wish, number: Option<u32>) {
        let namespace = self.namespace().into();
        self.ask(Command::Bid { namespace, wish: Box::new(wish), number });
    }

    fn bid_with_answer(&mut self, wish: Wish, timeout: Duration, then: Awaited) -> Result<(), Refusal> {
        let number = self.sockets.await_answer(self.namespace, then).ok_or(Refusal::Overloaded)?;
        self.bid(wish, Some(number));
        let after_ms = timeout.as_millis().try_into().unwrap_or(u32::MAX);
        self.out.wakes.push(Wake { after_ms, what_for: number });
        Ok(())
    }
}

impl Crowd<'_, '_> {
    /// And those in another room.
    pub fn and_in(mut self, room: &str) -> Result<Self, Refusal> {
        self.whom.of.push(Group::Room(self.socket.room(room)?));
        Ok(self)
    }

    /// But not those in this one.
    pub fn except(mut self, room: &str) -> Result<Self, Refusal> {
        self.whom.but.push(Group::Room(self.socket.room(room)?));
        Ok(self)
    }

    /// Lets them into a room (`socketsJoin`).
    pub fn join(self, room: &str) -> Result<(), Refusal> {
        let rooms = vec![self.socket.room(room)?];
        self.socket.bid(Wish::Enter { whom: self.whom, rooms }, None);
        Ok(())
    }

    /// Takes them out of a room (`socketsLeave`).
    pub fn leave(self, room: &str) -> Result<(), Refusal> {
        let rooms = vec![self.socket.room(room)?];
        self.socket.bid(Wish::Leave { whom: self.whom, rooms }, None);
        Ok(())
    }

    /// Makes them leave the namespace, and closes their connections too if that is wanted (`disconnectSockets`).
    pub fn disconnect(self, wholly: bool) {
        self.socket.bid(Wish::Dismiss { whom: self.whom, wholly }, None);
    }

    /// Calls `then` with who they are (`fetchSockets`); with nothing when not all nodes have answered in time, or within a minute. `Err`: so many
    /// answers are awaited that this one is not.
    pub fn fetch(
        self,
        timeout: Duration,
        then: impl FnOnce(&mut Socket<'_>, Option<Vec<Found>>) + 'static,
    ) -> Result<(), Refusal> {
        let then = Awaited::Servers(Box::new(|socket, answers| {
            let found = answers.map(|answers| answers.peers.iter().map(|peer| socket.found(peer)).collect());
            then(socket, found);
        }));
        self.socket.bid_with_answer(Wish::Name { whom: self.whom }, timeout, then)
    }
}

impl Socket<'_> {
    fn found(&self, peer: &Peer) -> Found {
        let namespaces = &self.sockets.profile.namespaces;
        let rooms = peer.rooms.iter().map(|room| namespaces.split(room.name()));
        let rooms = rooms.filter(|(of, _)| *of == self.namespace).map(|(_, name)| name.to_owned());
        Found {
            id: peer.alias.clone(),
            user: peer.user.as_ref().map(|user| user.as_str().to_owned()),
            rooms: rooms.collect(),
        }
    }
}
