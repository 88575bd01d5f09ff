//! What time does: deadlines pass, sessions are sent signs of life, and a drain goes on.

use chat::Farewell;
use gateways::Outbox;

use crate::streams::Phase;
use crate::{Effects, Now, Shard, StreamId};

/// Where the signs of life stand. Sessions are spread over the interval by their places, so no session needs a timer, and each is looked
/// after at the same moment of every interval however many there are.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// The next group of places.
    group: u32,
    /// When the last group was looked after.
    last_ms: u64,
}

/// Places are looked after in this many groups an interval.
const GROUPS: u32 = 64;
/// Sessions parted with in a turn while draining.
const PARTED_PER_TURN: u32 = 128;

impl Shard {
    pub(crate) fn tick(&mut self, now: Now, effects: &mut dyn Effects) {
        while let Some(id) = self.greetings.pop_due(now.monotonic_ms) {
            self.greeting_due(id, now, effects);
        }
        while let Some(id) = self.closings.pop_due(now.monotonic_ms) {
            if self.streams.get(id).is_some() {
                self.tally.streams_cut += 1;
                self.cut(id, now, effects);
            }
        }
        let mut out = std::mem::take(&mut self.addressed);
        self.homes.tick(now, &mut out);
        self.mail.extend(out.drain(..));
        self.addressed = out;
        self.sweep(now);
    }

    /// A stream that still has no complete request head is cut; one that asked in the meantime has until its next deadline.
    fn greeting_due(&mut self, id: StreamId, now: Now, effects: &mut dyn Effects) {
        let timeout_ms = self.greetings.after_ms();
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.phase != Phase::Asking {
            stream.greeted = false;
        } else if stream.asked_ms + timeout_ms > now.monotonic_ms {
            self.greetings.push(now.monotonic_ms, id);
        } else if stream.tail.is_empty() {
            self.tally.streams_cut += 1;
            self.cut(id, now, effects);
        } else {
            self.tally.bad_requests += 1;
            self.refuse_request(id, 408, "request_timeout", now);
        }
    }

    /// Nobody is looked after while nobody is here.
    pub(crate) fn start_sweep(&mut self, now: Now) {
        if self.sessions.len() == 1 {
            self.sweep.last_ms = now.monotonic_ms;
        }
    }

    pub(crate) fn next_sweep_ms(&self) -> Option<u64> {
        (self.sessions.len() > 0).then(|| self.sweep.last_ms + self.sweep_step_ms())
    }

    fn sweep_step_ms(&self) -> u64 {
        (self.settings.ping_interval_ms / u64::from(GROUPS)).max(1)
    }

    fn sweep(&mut self, now: Now) {
        let step_ms = self.sweep_step_ms();
        let due = ((now.monotonic_ms.saturating_sub(self.sweep.last_ms)) / step_ms).min(u64::from(GROUPS));
        for _ in 0..due {
            self.sweep.last_ms += step_ms;
            for place in (self.sweep.group..self.sessions.places()).step_by(GROUPS as usize) {
                self.look_after(place, now);
            }
            self.sweep.group = (self.sweep.group + 1) % GROUPS;
        }
        if due == u64::from(GROUPS) {
            self.sweep.last_ms = now.monotonic_ms;
        }
    }

    /// Sends a session a sign of life, or parts with it when it did not answer the last one.
    fn look_after(&mut self, place: u32, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let was_heard = std::mem::take(&mut session.heard);
        if session.awaited == 1 && !was_heard {
            return self.part(place, Farewell::PingTimeout, now);
        }
        let id = session.stream;
        let mut out = Outbox::default();
        let must_answer = session.protocol.ping(&mut out);
        session.awaited = match session.awaited {
            _ if !must_answer => 0,
            waiting if waiting > 0 && !was_heard => waiting - 1,
            _ => session.protocol.patience(),
        };
        self.settle(place, id, &mut out, now);
    }

    pub(crate) fn is_draining_sessions(&self) -> bool {
        self.drained.is_some_and(|place| place < self.sessions.places()) && self.sessions.len() > 0
    }

    /// Parts with the next few sessions, each with a delay of its own, and with streams that ask nothing.
    pub(crate) fn drain_slice(&mut self, now: Now, effects: &mut dyn Effects) {
        let Some(first) = self.drained else { return };
        while let Some(id) = self.greetings.pop() {
            if self.streams.get(id).is_some_and(|stream| stream.phase == Phase::Asking) {
                self.cut(id, now, effects);
            }
        }
        let end = self.sessions.places().min(first + PARTED_PER_TURN);
        for place in first..end {
            self.part(place, self.farewell_to(place), now);
        }
        self.drained = Some(end.max(first));
    }

    /// What a session is told while the node goes away.
    pub(crate) fn farewell_to(&self, place: u32) -> Farewell {
        Farewell::ServerRestart { delay_ms: spread(place, self.settings.reconnect_spread_ms) }
    }
}

/// A delay below `spread_ms` that neighbouring places do not share.
fn spread(place: u32, spread_ms: u32) -> u32 {
    let hash = place.wrapping_mul(0x9e37_79b1);
    ((u64::from(hash) * u64::from(spread_ms)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    #[test]
    fn delays_of_neighbours_are_spread_over_the_whole_time() {
        let delays: Vec<u32> = (0..1000).map(|place| super::spread(place, 5000)).collect();
        let late = delays.iter().filter(|delay| **delay >= 2500).count();
        assert!((450..550).contains(&late), "{late} of 1000 in the later half");
        assert!(delays.iter().all(|delay| *delay < 5000));
    }
}
