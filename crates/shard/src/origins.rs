//! Where streams come from: known as long as a stream takes requests, and let go with one that takes no more. Proxies that are trusted are
//! believed about who is behind them.

use core::net::{IpAddr, Ipv4Addr};

use hashbrown::HashMap;
use wire::http::Head;
use wire::proxy::{ForwardedBy, Network, client_of, read_header};

use crate::{Now, Shard, StreamId};

/// How an answer begins behind which a stream takes no more requests (RFC 9110 §15.2.2).
const SWITCHED: &[u8] = b"HTTP/1.1 101 ";

/// Who is believed about who is behind them.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Those in these networks, and nobody else.
    pub trusted: Vec<Network>,
    /// The header in which they say it.
    pub by: ForwardedBy,
    /// They begin every stream with a PROXY header.
    pub announce: bool,
}

/// Where a stream comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The address of the other side, or whom it has named in its PROXY header.
    pub address: IpAddr,
    /// A PROXY header is still to come.
    pub is_announced: bool,
}

impl Origin {
    /// That of a stream whose requests come by way of another node, which has looked at where they come from.
    pub const ELSEWHERE: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), is_announced: false };
}

/// The origins of the streams that still need one, by their slots.
#[derive(Debug, Default)]
pub(crate) struct Origins(HashMap<u32, Origin>);

impl Proxies {
    fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

impl Origins {
    pub(crate) fn insert(&mut self, id: StreamId, origin: Origin) {
        self.0.insert(id.slot, origin);
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<Origin> {
        self.0.get(&id.slot).copied()
    }

    pub(crate) fn remove(&mut self, id: StreamId) {
        self.0.remove(&id.slot);
        if self.0.len() * 4 < self.0.capacity() {
            self.0.shrink_to(self.0.len() * 2);
        }
    }
}

impl Shard {
    /// Where a stream comes from that was just opened.
    pub(crate) fn origin_of(&self, address: IpAddr) -> Origin {
        let proxies = &self.settings.proxies;
        Origin { address, is_announced: proxies.announce && proxies.trust(address) }
    }

    /// Reads the PROXY header that is in front of a stream's first request, if there has to be one. Says how many bytes are done with: `Some`
    /// as long as there is nothing else to look at.
    pub(crate) fn take_announcement(&mut self, id: StreamId, bytes: &[u8], now: Now) -> Option<usize> {
        let origin = self.streams.origins.get(id).filter(|origin| origin.is_announced)?;
        match read_header(bytes) {
            Ok(None) => Some(0),
            Ok(Some((client, length))) => {
                let address = client.map_or(origin.address, |client| client.ip());
                self.streams.origins.insert(id, Origin { address, is_announced: false });
                Some(length)
            }
            Err(fault) => {
                self.tally.bad_requests += 1;
                self.refuse_request(id, 400, fault.reason(), now);
                Some(bytes.len())
            }
        }
    }

    /// Whom a request comes from.
    pub(crate) fn client_of(&self, id: StreamId, head: &Head<'_>) -> IpAddr {
        let origin = self.streams.origins.get(id).expect("a stream that asks comes from somewhere");
        let proxies = &self.settings.proxies;
        client_of(head, proxies.by, origin.address, |address| proxies.trust(address))
    }

    /// A request is answered with these bytes; perhaps it was the last one of its stream.
    pub(crate) fn note_switch(&mut self, id: StreamId, answer: &[u8]) {
        if answer.starts_with(SWITCHED) {
            self.streams.origins.remove(id);
        }
    }
}
