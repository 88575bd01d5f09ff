//! Bytes that come in: request heads on streams of no session, and whatever the protocol of a session makes of the rest.

use core::net::IpAddr;

use chat::{Farewell, Refusal};
use gateways::{Admission, Call, GATEWAYS, MAIN, Outbox, Protocol, SessionName, Then};
use wire::http::{self, HttpFault};

use crate::flood::SLICE_BYTES;
use crate::headcount::Party;
use crate::streams::{Phase, Place};
use crate::{Attention, Deed, Now, Shard, StreamId};

/// What may wait on a stream to be judged: the largest request head, and requests sent ahead of an answer.
pub(crate) const TAIL_BYTES_MAX: usize = 128 * 1024;

impl Shard {
    pub(crate) fn knock(&mut self, stream: StreamId, address: IpAddr, now: Now) {
        self.tally.streams_opened += 1;
        self.knocks.take(self.settings.limits.connections, now);
        self.streams.insert(stream, self.origin_of(address), now.monotonic_ms);
        self.greetings.push(now.monotonic_ms, stream);
    }

    /// Bytes that cannot be judged yet are kept, and come again in front of the next ones.
    pub(crate) fn take_bytes(&mut self, id: StreamId, bytes: &mut [u8], now: Now) {
        self.tally.bytes_in += bytes.len() as u64;
        self.take(id, bytes, now);
    }

    /// Requests that were sent ahead of an answer are looked at once it is given.
    pub(crate) fn take_ahead(&mut self, id: StreamId, now: Now) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let mut ahead = stream.take_tail();
        self.take(id, &mut ahead, now);
    }

    pub(crate) fn take(&mut self, id: StreamId, bytes: &mut [u8], now: Now) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let mut tail = stream.take_tail();
        if tail.is_empty() {
            let taken = self.feed(id, bytes, now);
            tail.extend_from_slice(&bytes[taken..]);
        } else {
            tail.extend_from_slice(bytes);
            let taken = self.feed(id, &mut tail, now);
            tail.drain(..taken);
        }
        if tail.len() > TAIL_BYTES_MAX {
            self.lose(id, now);
            return self.close_politely(id, now);
        }
        if let Some(stream) = self.streams.get_mut(id) {
            stream.keep_tail(tail);
        }
        self.streams.count(id);
    }

    /// Feeds bytes to whatever the stream is at, as long as it takes any and is read. Says how many were taken.
    fn feed(&mut self, id: StreamId, bytes: &mut [u8], now: Now) -> usize {
        let (mut taken, mut slice) = (0, SLICE_BYTES);
        while taken < bytes.len() {
            let Some(stream) = self.streams.get(id) else { return bytes.len() };
            let rest = &mut bytes[taken..];
            let step = match stream.phase {
                Phase::Closing | Phase::Finished => rest.len(),
                _ if stream.held => break,
                Phase::Asking => self.ask(id, rest, now),
                Phase::Open => {
                    let some = rest.len().min(slice);
                    self.receive(id, stream.session, &mut rest[..some], now)
                }
                Phase::Tunnelled => self.pass_on(id, rest),
            };
            if step == 0 && slice >= bytes.len() - taken {
                break;
            }
            // What cannot be judged from so little is shown with more.
            slice = if step == 0 { slice * 2 } else { SLICE_BYTES };
            taken += step;
        }
        taken
    }

    /// Reads a request head and lets the gateways look at it, one after the other.
    fn ask(&mut self, id: StreamId, bytes: &[u8], now: Now) -> usize {
        if let Some(taken) = self.take_preface(id, bytes, now) {
            return taken;
        }
        let mut out = std::mem::take(&mut self.outbox);
        let taken = match self.read_head(bytes) {
            Ok(None) => 0,
            Ok(Some((head, length))) => {
                self.tally.requests += 1;
                let (address, is_secure) = (self.client_of(id, &head), self.came_securely(id, &head));
                match self.admit(&head, (address, is_secure), &mut out) {
                    // Only requests for sessions that are here come through tunnels.
                    Admitted::Opens(..) | Admitted::Answered if id.is_far() => {
                        out = Outbox::default();
                        0
                    }
                    Admitted::Opens(..) if out.then != Then::Stay && self.is_leaving() => {
                        self.turn_away(id, "draining", &mut out, now);
                        length
                    }
                    Admitted::Opens(..) if self.is_crowded => {
                        self.tally.sessions_turned_away += 1;
                        self.turn_away(id, "overloaded", &mut out, now);
                        length
                    }
                    Admitted::Opens(..) if out.then != Then::Stay && self.is_full_of_lingering() => {
                        self.tally.sessions_turned_away += 1;
                        self.turn_away(id, "overloaded", &mut out, now);
                        length
                    }
                    Admitted::Opens(gateway, mut protocol) => {
                        // A session of several streams has its name already, and its protocol may have had others do something.
                        let is_bound = protocol.spread().is_some();
                        let is_barred = self.bars(address, now);
                        if is_barred || self.turns_away(&mut *protocol, now) {
                            out.commands.clear();
                            let place = self.open(id, address, gateway, protocol, &mut out, now);
                            let farewell = if is_barred { Farewell::Banned } else { self.farewell() };
                            self.part(place, farewell, now);
                            self.outbox = out;
                            return length;
                        }
                        let to = if is_bound { self.settings.shard } else { self.place_for(&out.commands) };
                        if to != self.settings.shard {
                            // It is counted where it is answered.
                            self.tally.requests -= 1;
                            self.outbox = Outbox::default();
                            self.set_out(id, to, bytes);
                            return bytes.len();
                        }
                        self.open(id, address, gateway, protocol, &mut out, now);
                        length
                    }
                    Admitted::Joins(gateway, name) => {
                        self.attach(id, gateway, name, (&head, length), bytes, now)
                    }
                    Admitted::Answered => {
                        self.settle_stream(id, &mut out, now);
                        length
                    }
                }
            }
            Err(fault) => {
                self.tally.bad_requests += 1;
                refuse_request(fault.status(), fault.reason(), &mut out);
                self.settle_stream(id, &mut out, now);
                bytes.len()
            }
        };
        self.outbox = out;
        taken
    }

    /// Reads a request head that is no longer than it may be.
    fn read_head<'b>(&self, bytes: &'b [u8]) -> Result<Option<(http::Head<'b>, usize)>, HttpFault> {
        let max = self.settings.head_bytes_max;
        match http::read_head(&bytes[..bytes.len().min(max)]) {
            Ok(None) if bytes.len() >= max => Err(HttpFault::HeadTooLarge),
            read => read,
        }
    }

    /// Lets the gateways look at a request, one after the other.
    fn admit(
        &mut self,
        head: &http::Head<'_>,
        (address, is_secure): (IpAddr, bool),
        out: &mut Outbox,
    ) -> Admitted {
        if self.settings.pages.bar(head) {
            out.refusals.push(Refusal::Forbidden);
            refuse_request(403, "origin_not_allowed", out);
            return Admitted::Answered;
        }
        let (names, key) = (&self.names, self.sessions.next_key());
        let call = Call { head, address, is_secure, name: &|| names.of(key) };
        for (index, gateway) in self.gateways.iter_mut().enumerate() {
            match gateway.admit(&call, out) {
                Admission::NotMine => {}
                Admission::Open(protocol) => return Admitted::Opens(index as u8, protocol),
                Admission::Attach(name) => return Admitted::Joins(index as u8, name),
                Admission::Answered => return Admitted::Answered,
            }
        }
        refuse_request(404, "not_found", out);
        Admitted::Answered
    }

    /// Answers a request that would open a session without a stream of its own.
    fn turn_away(&mut self, id: StreamId, reason: &str, out: &mut Outbox, now: Now) {
        *out = Outbox::default();
        refuse_request(503, reason, out);
        self.settle_stream(id, out, now);
    }

    /// Whether as many sessions as may be are here that have no stream of their own, and nothing but bounds of ours keeps from being more.
    fn is_full_of_lingering(&self) -> bool {
        self.sessions.lingering() >= self.settings.lingering_max
    }

    fn open(
        &mut self,
        id: StreamId,
        address: IpAddr,
        gateway: u8,
        protocol: Box<dyn Protocol>,
        out: &mut Outbox,
        now: Now,
    ) -> Place {
        self.tally.sessions_opened += 1;
        let place = self.sessions.insert(id, gateway, protocol, now);
        self.note_address(place, address);
        self.count_in(place, Party::Source(address.into()));
        self.await_name(place, now);
        self.start_sweep(now);
        self.listen_for(place, now);
        let (has_stream, gateway) = (out.then == Then::Stay, GATEWAYS[usize::from(gateway)].0);
        self.note(place, Attention::Sessions, || Deed::Connected { gateway, has_stream, address });
        self.note_switch(id, &out.bytes);
        if let Some(stream) = self.streams.get_mut(id) {
            (stream.session, stream.lane, stream.phase) = (place, MAIN, Phase::Open);
        }
        self.act(id, place, out, now);
        place
    }

    /// Lets the session's protocol take bytes and does what it asks for.
    fn receive(&mut self, id: StreamId, place: Place, bytes: &mut [u8], now: Now) -> usize {
        let mut out = std::mem::take(&mut self.outbox);
        let lane = self.streams.get(id).map_or(MAIN, |stream| stream.lane);
        if self.sessions.get(place).is_some_and(|session| session.is_timed) {
            self.note_answer(place);
        }
        let session = self.sessions.get_mut(place).expect("an open stream has a session");
        session.note_heard(now);
        let received = match session.protocol.spread() {
            Some(spread) if lane != MAIN => spread.receive(lane, bytes, &mut out),
            _ => session.protocol.receive(bytes, &mut out),
        };
        let taken = *received.as_ref().unwrap_or(&bytes.len());
        let refused = out.refusals.len();
        match received {
            Err(violation) => {
                self.act(id, place, &mut out, now);
                self.part(place, violation.farewell, now);
            }
            Ok(_) => self.act(id, place, &mut out, now),
        }
        self.outbox = out;
        self.charge_refused(place, refused, now);
        taken
    }

    /// Answers a request that never became one.
    pub(crate) fn refuse_request(&mut self, id: StreamId, status: u16, reason: &str, now: Now) {
        let mut out = Outbox::default();
        refuse_request(status, reason, &mut out);
        self.settle_stream(id, &mut out, now);
    }
}

/// What became of a request.
enum Admitted {
    /// A gateway opens a session for it.
    Opens(u8, Box<dyn Protocol>),
    /// A gateway wants it to be part of a session.
    Joins(u8, SessionName),
    /// It was answered.
    Answered,
}

/// A plain answer to a request that no session comes of (RFC 9112 §9.6).
fn refuse_request(status: u16, reason: &str, out: &mut Outbox) {
    let headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")];
    http::write_response(&mut out.bytes, status, &headers, format!("{reason}\n").as_bytes());
    out.then = Then::Close;
}
