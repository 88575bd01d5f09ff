//! What servers beside want done with the clients here, and the answers that they are owed.

use std::sync::Arc;

use backplanes::Arrival;
use chat::{Bidding, Content, Reply, Wish};
use gateways::beside;
use wire::json::write_json_string;
use wire::socketio::adapter::{Answer, Said};

use super::{Act, Bridge};
use crate::between::Down;
use crate::peers;

/// Biddings whose answers are awaited. The oldest is given up for another one.
const AWAITED_MAX: usize = 1024;
/// The shard whose handlers are called for what is said to servers.
const SPEAKER: u16 = 0;

/// A bidding whose answer is awaited.
pub(super) struct Awaited {
    circle: usize,
    from: String,
    request: String,
    is_fetch: bool,
    /// So many shards have not answered.
    left: u16,
    reply: Reply,
}

impl Bridge {
    /// Wants something done by all shards that it is for, and notes who wants to know.
    pub(super) fn bid(
        &mut self,
        place: usize,
        wish: Wish,
        asks: Option<(&str, String)>,
        acts: &mut Vec<Act>,
    ) {
        let shards = if matches!(wish, Wish::Serve { .. }) { SPEAKER..SPEAKER + 1 } else { 0..self.shards };
        let ticket = asks.map(|(from, request)| {
            self.tickets += 1;
            if self.awaited.len() >= AWAITED_MAX
                && let Some(oldest) = self.awaited.keys().min().copied()
            {
                self.awaited.remove(&oldest);
            }
            let is_fetch = matches!(wish, Wish::Name { .. });
            let (from, left) = (from.to_owned(), shards.len() as u16);
            let awaited = Awaited { circle: place, from, request, is_fetch, left, reply: Reply::default() };
            self.awaited.insert(self.tickets, awaited);
            self.tickets
        });
        let namespace = self.circles[place].1.namespace().into();
        let bidding = Arc::new(Bidding { namespace, wish, ticket });
        acts.extend(shards.map(|shard| Act::Tell(shard, Down::Arrival(Arrival::Bidden(bidding.clone())))));
    }

    /// Tells servers what the application says to them. They are not asked to answer.
    pub(super) fn proclaim(&self, namespace: &str, event: &str, content: &Content, acts: &mut Vec<Act>) {
        let circle = self.circles.iter().find(|(of, _)| self.names.name(*of) == namespace);
        let Some((_, circle)) = circle else { return };
        let mut name = Vec::new();
        write_json_string(&mut name, event);
        let name = String::from_utf8(name).expect("JSON is text");
        let values = beside::values(content);
        let arguments = std::iter::once(&*name).chain(values.iter().map(|value| &**value)).collect();
        let said = Said::ServerSide { arguments, request: None };
        let (channel, bytes) = circle.write(&said, &content.attachments);
        acts.push(Act::Publish(channel, bytes));
    }

    /// A shard has answered. When all have, whoever asked is told.
    pub(super) fn replied(&mut self, ticket: u64, reply: Reply, acts: &mut Vec<Act>) {
        let Some(awaited) = self.awaited.get_mut(&ticket) else { return };
        awaited.reply.peers.extend(reply.peers);
        awaited.reply.said = awaited.reply.said.take().or(reply.said);
        awaited.left -= 1;
        if awaited.left > 0 {
            return;
        }
        let Some(Awaited { circle, from, request, is_fetch, reply, .. }) = self.awaited.remove(&ticket)
        else {
            return;
        };
        let (namespace, circle) = &self.circles[circle];
        let answer = |answer: &Answer<'_>| circle.write_answer(&from, &request, answer, &[] as &[Vec<u8>]);
        let written = match (&reply.said, is_fetch) {
            (_, true) => {
                let of = (&self.names, *namespace);
                Some(peers::show(&reply.peers, of, |peers| answer(&Answer::Sockets(peers))))
            }
            (Some(said), false) => Some(answer(&Answer::ServerSide(said))),
            (None, false) => None,
        };
        acts.extend(written.map(|(channel, bytes)| Act::Publish(channel, bytes)));
    }

    pub(super) fn answer_rooms(&self, place: usize, from: &str, request: &str, acts: &mut Vec<Act>) {
        let (namespace, circle) = &self.circles[place];
        let rooms = peers::names_in(self.homes.keys(), &self.names, *namespace);
        let nothing: &[Vec<u8>] = &[];
        let (channel, bytes) = circle.write_answer(from, request, &Answer::Rooms(&rooms), nothing);
        acts.push(Act::Publish(channel, bytes));
    }
}
