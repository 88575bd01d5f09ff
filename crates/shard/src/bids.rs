//! Biddings of applications: what is to be done with clients of a namespace wherever they are, and what all nodes have answered.
//!
//! Every shard of every node that is alive is bidden; what is said to servers, one shard of each other node. Who asks counts the answers.

use std::sync::Arc;

use backplanes::NodeId;
use chat::{Answers, Bidding, Content, Refusal, Reply, Wish};
use gateways::Outbox;
use hashbrown::HashMap;

use crate::deadlines::Deadlines;
use crate::envelopes::Envelope;
use crate::mail::Mail;
use crate::peers::PeerId;
use crate::streams::Place;
use crate::{Now, SessionKey, Shard, ShardId};

/// Answers are waited for so long; sessions that want to know sooner wait less.
const ANSWERS_MS: u64 = 60_000;
/// Biddings of a shard that wait for answers. The oldest is given up for another one.
const AWAITED_MAX: usize = 1024;
/// So many clients are named in one answer; the next ones in another.
const PEERS_AT_ONCE: usize = 500;
/// The shard whose handlers are called for what is said to servers.
const SPEAKER: ShardId = ShardId::FIRST;

/// What was asked and is not answered by all.
#[derive(Debug)]
pub(crate) struct Bids {
    awaited: HashMap<u64, Awaited>,
    last: u64,
    due: Deadlines<u64>,
}

#[derive(Debug)]
struct Awaited {
    session: SessionKey,
    /// What it calls the bidding.
    number: u32,
    /// How many shards of each node have not answered; `None`: none has, and it is not known how many there are.
    left: Vec<(NodeId, Option<u16>)>,
    answers: Answers,
}

/// What one shard answers, or a part of it.
#[derive(Debug, PartialEq)]
pub struct Replied {
    pub(crate) ticket: u64,
    /// How many shards of the node were bidden.
    pub(crate) shards: u16,
    /// It is all that this one has to say.
    pub(crate) is_last: bool,
    pub(crate) reply: Reply,
}

impl Default for Bids {
    fn default() -> Self {
        Self { awaited: HashMap::new(), last: 0, due: Deadlines::new(ANSWERS_MS) }
    }
}

impl Bids {
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.due.next_ms()
    }

    fn insert(&mut self, awaited: Awaited, now: Now) -> u64 {
        if self.due.len() >= AWAITED_MAX
            && let Some(oldest) = self.due.pop()
        {
            self.awaited.remove(&oldest);
        }
        self.last += 1;
        self.awaited.insert(self.last, awaited);
        self.due.push(now.monotonic_ms, self.last);
        self.last
    }

    pub(crate) fn give_up(&mut self, now: Now) {
        while let Some(ticket) = self.due.pop_due(now.monotonic_ms) {
            self.awaited.remove(&ticket);
        }
    }
}

impl Awaited {
    /// Some shard of a node has said all it has to say.
    fn note_last(&mut self, node: NodeId, shards: u16) {
        if let Some((_, left)) = self.left.iter_mut().find(|(of, _)| *of == node) {
            *left = Some(left.unwrap_or(shards).saturating_sub(1));
        }
    }

    fn is_whole(&self, is_alive: impl Fn(NodeId) -> bool) -> bool {
        self.left.iter().all(|(node, left)| *left == Some(0) || !is_alive(*node))
    }
}

impl Shard {
    /// Has something done, or asked, on every node.
    pub(crate) fn bid(
        &mut self,
        place: Place,
        namespace: Box<str>,
        wish: Wish,
        number: Option<u32>,
        now: Now,
    ) -> Result<(), Refusal> {
        if said(&wish).is_some_and(|content| content.len() > self.settings.gateways.max_message_bytes) {
            return Err(Refusal::MessageTooLarge);
        }
        let (is_for_servers, here) = (matches!(wish, Wish::Serve { .. }), self.settings.node);
        let nodes = self.homes.nodes();
        let bidden = nodes.iter().copied().filter(|node| !is_for_servers || *node != here);
        let bidden: Vec<NodeId> = bidden.collect();
        let ticket = number.map(|number| {
            let left = bidden.iter().map(|node| (*node, None)).collect();
            let session = self.sessions.key(place);
            self.bids.insert(Awaited { session, number, left, answers: Answers::default() }, now)
        });
        let bidding = Arc::new(Bidding { namespace, wish, ticket });
        let from = (here, self.settings.shard);
        for node in bidden {
            match node == here {
                true => self.spread(&bidding, from),
                false => self.tunnels.send((node, SPEAKER), Envelope::Bid(bidding.clone())),
            }
        }
        self.tell_answered(ticket, now);
        Ok(())
    }

    /// Hands a bidding to the shards of this node that it is for.
    pub(crate) fn spread(&mut self, bidding: &Arc<Bidding>, from: PeerId) {
        for shard in 0..self.bidden_shards(&bidding.wish) {
            self.send_mail(ShardId(shard), Mail::Bid { bidding: bidding.clone(), from });
        }
    }

    fn bidden_shards(&self, wish: &Wish) -> u16 {
        if matches!(wish, Wish::Serve { .. }) { SPEAKER.0 + 1 } else { self.settings.shards }
    }

    /// Does what an application wants, perhaps on another node, and answers if there is an answer.
    pub(crate) fn obey_application(&mut self, bidding: &Bidding, from: PeerId, now: Now) {
        let Reply { mut peers, mut said } = self.fulfil(bidding, now);
        let Some(ticket) = bidding.ticket else { return };
        let shards = self.bidden_shards(&bidding.wish);
        loop {
            let later = peers.split_off(peers.len().min(PEERS_AT_ONCE));
            let reply = Reply { peers, said: said.take() };
            self.send_reply(from, Replied { ticket, shards, is_last: later.is_empty(), reply });
            if later.is_empty() {
                return;
            }
            peers = later;
        }
    }

    fn send_reply(&mut self, to: PeerId, replied: Replied) {
        if to.0 == self.settings.node {
            self.send_mail(to.1, Mail::Replied { from: to.0, replied: Box::new(replied) });
        } else {
            self.tunnels.send(to, Envelope::Replied(Box::new(replied)));
        }
    }

    /// A shard has answered.
    pub(crate) fn hear_reply(&mut self, from: NodeId, replied: Replied, now: Now) {
        let Replied { ticket, shards, is_last, reply } = replied;
        let Some(awaited) = self.bids.awaited.get_mut(&ticket) else { return };
        awaited.answers.add(reply);
        if is_last {
            awaited.note_last(from, shards);
            self.tell_answered(Some(ticket), now);
        }
    }

    /// Tells a session what was answered, once everybody has.
    fn tell_answered(&mut self, ticket: Option<u64>, now: Now) {
        let Some(ticket) = ticket else { return };
        let nodes = self.homes.nodes();
        let is_whole = |awaited: &Awaited| awaited.is_whole(|node| nodes.contains(&node));
        if !self.bids.awaited.get(&ticket).is_some_and(is_whole) {
            return;
        }
        let Some(Awaited { session, number, answers, .. }) = self.bids.awaited.remove(&ticket) else {
            return;
        };
        let Some(place) = self.sessions.find(session) else { return };
        let Some(session) = self.sessions.get_mut(place) else { return };
        let (stream, mut out) = (session.stream, Outbox::default());
        session.protocol.answered(number, &answers, &mut out);
        self.act(stream, place, &mut out, now);
    }
}

fn said(wish: &Wish) -> Option<&Content> {
    match wish {
        Wish::Tell { content, .. } | Wish::Serve { content, .. } => Some(content),
        _ => None,
    }
}
