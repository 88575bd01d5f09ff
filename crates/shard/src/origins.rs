//! Where streams come from and what is in front of their first request: known as long as a stream takes requests, and let go with one that
//! takes no more. Proxies that are trusted are believed about who is behind them.

use core::net::{IpAddr, Ipv4Addr};

use hashbrown::HashMap;
use wire::http::Head;
use wire::proxy::{ForwardedBy, Network, client_of, forwarded_securely, read_header};

use crate::{Effects, Now, Shard, StreamId, Tls};

/// How an answer begins behind which a stream takes no more requests (RFC 9110 §15.2.2).
const SWITCHED: &[u8] = b"HTTP/1.1 101 ";

/// How TLS begins and no request does: the type of a record with a part of the handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 0x16;

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
    /// What is still to come in front of its first request.
    pub preface: Preface,
    /// It is under TLS.
    pub is_secure: bool,
}

/// What is still to come in front of a stream's first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preface {
    /// A PROXY header, and then what there is without one.
    Announcement,
    /// A byte that says whether TLS is spoken.
    FirstByte,
    /// Nothing.
    Over,
}

impl Origin {
    /// That of a stream whose requests come by way of another node, which has looked at where they come from.
    pub const ELSEWHERE: Self =
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), preface: Preface::Over, is_secure: false };
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
        let is_announced = proxies.announce && proxies.trust(address);
        let preface = if is_announced { Preface::Announcement } else { self.first_byte() };
        Origin { address, preface, is_secure: false }
    }

    /// What is to come where no PROXY header is, or is any more.
    fn first_byte(&self) -> Preface {
        if self.settings.tls == Tls::Off { Preface::Over } else { Preface::FirstByte }
    }

    /// Looks at what may be in front of a stream's first request. Says how many bytes are done with: `Some` as long as there is nothing else
    /// to look at.
    pub(crate) fn take_preface(&mut self, id: StreamId, bytes: &[u8], now: Now) -> Option<usize> {
        let origin = self.streams.origins.get(id)?;
        match origin.preface {
            Preface::Announcement => Some(self.take_announcement(id, origin, bytes, now)),
            Preface::FirstByte => self.take_first_byte(id, origin, bytes, now),
            Preface::Over => None,
        }
    }

    fn take_announcement(&mut self, id: StreamId, origin: Origin, bytes: &[u8], now: Now) -> usize {
        match read_header(bytes) {
            Ok(None) => 0,
            Ok(Some((client, length))) => {
                let address = client.map_or(origin.address, |client| client.ip());
                self.streams.origins.insert(id, Origin { address, preface: self.first_byte(), ..origin });
                length
            }
            Err(fault) => self.refuse_preface(id, bytes, fault.reason(), now),
        }
    }

    fn take_first_byte(&mut self, id: StreamId, origin: Origin, bytes: &[u8], now: Now) -> Option<usize> {
        let is_secure = bytes.first() == Some(&HANDSHAKE);
        if !is_secure && self.settings.tls == Tls::Required {
            return Some(self.refuse_preface(id, bytes, "tls_required", now));
        }
        self.streams.origins.insert(id, Origin { preface: Preface::Over, is_secure, ..origin });
        is_secure.then(|| {
            self.securing.push((id, bytes.to_vec()));
            bytes.len()
        })
    }

    /// Answers whoever did not begin as it had to. All that was sent is done with.
    fn refuse_preface(&mut self, id: StreamId, bytes: &[u8], reason: &str, now: Now) -> usize {
        self.tally.bad_requests += 1;
        self.refuse_request(id, 400, reason, now);
        bytes.len()
    }

    /// Has the world secure the streams that have begun as TLS does.
    pub(crate) fn secure_streams(&mut self, effects: &mut dyn Effects) {
        for (id, bytes) in self.securing.drain(..) {
            effects.secure(id, &bytes);
        }
    }

    /// Whom a request comes from.
    pub(crate) fn client_of(&self, id: StreamId, head: &Head<'_>) -> IpAddr {
        let origin = self.streams.origins.get(id).expect("a stream that asks comes from somewhere");
        let proxies = &self.settings.proxies;
        client_of(head, proxies.by, origin.address, |address| proxies.trust(address))
    }

    /// Whether nobody on the way to the client's proxy, or to this node where there is none, could read a request.
    pub(crate) fn came_securely(&self, id: StreamId, head: &Head<'_>) -> bool {
        let origin = self.streams.origins.get(id).expect("a stream that asks comes from somewhere");
        let proxies = &self.settings.proxies;
        origin.is_secure || proxies.trust(origin.address) && forwarded_securely(head, proxies.by)
    }

    /// A request is answered with these bytes; perhaps it was the last one of its stream.
    pub(crate) fn note_switch(&mut self, id: StreamId, answer: &[u8]) {
        if answer.starts_with(SWITCHED) {
            self.streams.origins.remove(id);
        }
    }
}
