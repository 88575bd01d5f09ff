//! What a shard has counted since it was started, and what it holds now.

use chat::{Farewell, Refusal};
use gateways::GATEWAYS;

use crate::{Latencies, Limit};

/// What a shard has counted since it was started. Only the shard writes it, and nothing here ever shrinks.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Streams opened.
    pub streams_opened: u64,
    /// Streams that were not let in for want of room.
    pub streams_turned_away: u64,
    /// Streams cut because they asked for nothing in time, or did not say goodbye.
    pub streams_cut: u64,
    /// Request heads read.
    pub requests: u64,
    /// Request heads that were none.
    pub bad_requests: u64,
    /// Sessions opened.
    pub sessions_opened: u64,
    /// Sessions that were not opened because too many have no stream of their own.
    pub sessions_turned_away: u64,
    /// Returning members that got everything they had missed.
    pub resumes_complete: u64,
    /// Returning members that had to be told that something is gone.
    pub resumes_partial: u64,
    /// Sessions that went on where an earlier one was cut off.
    pub recoveries_complete: u64,
    /// Sessions that would have, and had to begin anew.
    pub recoveries_failed: u64,
    /// Tunnels dug to sessions of other nodes.
    pub tunnels_dug: u64,
    /// Ends of tunnels that were given up, because the other one was not heard of or something was lost on the way.
    pub tunnels_fallen: u64,
    /// Envelopes from other nodes that could not be read.
    pub envelopes_unread: u64,
    /// Messages taken in, retries included.
    pub posts: u64,
    /// Frames sent whole to members, of those told to a room.
    pub deliveries: u64,
    /// Frames dropped for members that read too slowly.
    pub frames_dropped: u64,
    /// Sends.
    pub writes: u64,
    /// Sends of which not all was taken.
    pub stalls: u64,
    /// Bytes that came in.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    limited: [u64; Limit::ALL.len()],
    /// From a message's coming in to its frames' being sent, one for each delivery.
    pub delivery: Latencies,
    /// From a sign of life to its client's answer.
    pub lag: Latencies,
    refusals: [u64; Refusal::ALL.len()],
    farewells: [u64; Farewell::ALL.len()],
}

/// What a shard holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Open streams.
    pub streams: usize,
    /// Streams that are not read, because their clients ask for too much.
    pub held: usize,
    /// Ends of tunnels: streams that belong to sessions of other nodes, and those of sessions here that have come through other nodes.
    pub tunnels: usize,
    /// Sessions.
    pub sessions: usize,
    /// Those of them that came over each of the gateways, in the order of [`GATEWAYS`].
    pub by_gateway: [usize; GATEWAYS.len()],
    /// Those of them that have no main stream.
    pub lingering: usize,
    /// What is remembered of sessions that were cut off.
    pub records: usize,
    /// Rooms with sessions of this shard.
    pub audiences: usize,
    /// Rooms that have their home here.
    pub rooms: usize,
    /// Bytes that wait: for clients that read slowly or have not asked yet, and from clients, to be judged or done.
    pub queued_bytes: usize,
    /// That is more than may be: nobody new is taken.
    pub is_crowded: bool,
    /// Messages of history.
    pub history_messages: usize,
    /// Their weight.
    pub history_bytes: usize,
}

impl Tally {
    /// Refusals by their codes.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Refusal::ALL.iter().map(|refusal| refusal.code()).zip(self.refusals)
    }

    /// Sessions parted with by their reasons.
    pub fn farewells(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Farewell::ALL.iter().map(|farewell| farewell.reason()).zip(self.farewells)
    }

    /// How often somebody came up against each limit.
    pub fn limited(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Limit::ALL.iter().map(|limit| limit.name()).zip(self.limited)
    }

    pub(crate) fn limit(&mut self, limit: Limit) {
        self.limited[limit as usize] += 1;
    }

    pub(crate) fn refused(&mut self, refusal: Refusal) {
        if let Some(index) = Refusal::ALL.iter().position(|other| other.code() == refusal.code()) {
            self.refusals[index] += 1;
        }
    }

    pub(crate) fn parted(&mut self, farewell: Farewell) {
        if let Some(index) = Farewell::ALL.iter().position(|other| other.code() == farewell.code()) {
            self.farewells[index] += 1;
        }
    }
}
