//! What time does: deadlines pass, and sessions are sent signs of life and are heard of.

use chat::Farewell;
use gateways::Outbox;

use crate::alarms::{Alarm, Alarms};
use crate::deadlines::Deadlines;
use crate::home::Homes;
use crate::sessions::Session;
use crate::streams::{Phase, Place};
use crate::{Effects, Now, Shard, StreamId};

/// Where the signs of life stand. Sessions are spread over the interval by their places, so no session needs a timer, and each is looked
/// after at the same moment of every interval however many there are.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// The next group of places.
    group: u32,
    /// When the last group was looked after.
    last_ms: u64,
    /// When each group was sent its last sign of life, in microseconds.
    sent_us: [u64; GROUPS as usize],
    /// Groups that were sent a sign of life, and when.
    unanswered: Deadlines<(u32, u64)>,
}

/// Places are looked after in this many groups an interval.
const GROUPS: u32 = 64;
/// What part of an interval a sign of life is put off by.
const PUT_OFF: u64 = 8;

impl Sweep {
    /// Answers are due after so long.
    pub(crate) fn new(timeout_ms: u64) -> Self {
        Self { group: 0, last_ms: 0, sent_us: [0; GROUPS as usize], unanswered: Deadlines::new(timeout_ms) }
    }
}

impl Shard {
    pub(crate) fn tick(&mut self, now: Now, effects: &mut dyn Effects) {
        self.leave_when_due(now);
        while let Some(id) = self.greetings.pop_due(now.monotonic_ms) {
            self.greeting_due(id, now, effects);
        }
        while let Some(id) = self.closings.pop_due(now.monotonic_ms) {
            if self.streams.get(id).is_some() {
                self.tally.streams_cut += 1;
                self.cut(id, now, effects);
            }
        }
        self.at_home(now, Homes::tick);
        self.records.tick(now);
        self.give_reclaims_up(now);
        self.bids.give_up(now);
        self.mind_travels(now);
        self.mind_tunnels(now, effects);
        self.heed_alarms(now);
        self.part_with_nameless(now);
        self.look_for_answers(now);
        self.sweep(now);
    }

    /// A stream that still has no complete request head is cut; one that asked in the meantime has until its next deadline.
    fn greeting_due(&mut self, id: StreamId, now: Now, effects: &mut dyn Effects) {
        let (timeout_ms, is_leaving) = (self.greetings.after_ms(), self.is_leaving());
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.phase != Phase::Asking {
            stream.greeted = false;
        } else if stream.asked_ms + timeout_ms > now.monotonic_ms {
            self.greetings.push(now.monotonic_ms, id);
        } else if is_leaving {
            self.close_politely(id, now);
        } else if stream.tail().is_empty() {
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

    /// There is nobody left to be looked after.
    pub(crate) fn rest_if_nobody(&mut self) {
        if self.sessions.len() == 0 {
            self.alarms = Alarms::default();
            self.nameless = Deadlines::new(self.nameless.after_ms());
            self.sweep.unanswered = Deadlines::new(self.sweep.unanswered.after_ms());
        }
    }

    pub(crate) fn next_sweep_ms(&self) -> Option<u64> {
        let step_ms = (self.sessions.len() > 0).then(|| self.sweep.last_ms + self.sweep_step_ms());
        step_ms.into_iter().chain(self.sweep.unanswered.next_ms()).min()
    }

    /// A session is to be looked at after a while.
    pub(crate) fn set_alarm(&mut self, place: Place, alarm: Alarm, after_ms: u64, now: Now) {
        let sessions = &self.sessions;
        if sessions.get(place).is_some() {
            let due_ms = now.monotonic_ms + after_ms;
            self.alarms.set(due_ms, alarm, sessions.key(place), |key| sessions.find(key).is_some());
        }
    }

    /// A client that says by itself that it is there is listened for.
    pub(crate) fn listen_for(&mut self, place: Place, now: Now) {
        if self.sessions.get(place).is_some_and(|session| session.protocol.beats()) {
            self.set_alarm(place, Alarm::Silence, self.silence_max_ms(), now);
        }
    }

    /// Who pings by itself may be silent for so long: an interval and the time to answer, and a step less, so that nobody is parted with late.
    fn silence_max_ms(&self) -> u64 {
        self.settings.ping_interval_ms + self.settings.ping_timeout_ms - self.sweep_step_ms()
    }

    fn heed_alarms(&mut self, now: Now) {
        while let Some((alarm, key)) = self.alarms.pop_due(now.monotonic_ms) {
            match (self.sessions.find(key), alarm) {
                (Some(place), Alarm::Wake(what_for)) => self.wake(place, what_for, now),
                (Some(place), Alarm::Ping) => self.ping_late(place, now),
                (Some(place), Alarm::Paced) => self.paced(place, now),
                (Some(place), Alarm::Answer(sent_ms)) => self.look_for_answer(place, sent_ms, now),
                (Some(place), Alarm::Silence) => self.mind_silence(place, now),
                (Some(place), Alarm::Expiring(until_s)) => self.tell_expiring(place, until_s, now),
                (Some(place), Alarm::Expired(until_s)) => self.part_with_expired(place, until_s, now),
                (None, _) => {}
            }
        }
    }

    fn wake(&mut self, place: Place, what_for: u32, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let id = session.stream;
        let mut out = Outbox::default();
        session.protocol.wake(what_for, &mut out);
        self.act(id, place, &mut out, now);
    }

    fn mind_silence(&mut self, place: Place, now: Now) {
        let Some(session) = self.sessions.get(place) else { return };
        let left_ms = self.silence_max_ms().saturating_sub(session.silence_ms(now));
        match left_ms {
            0 => self.part(place, Farewell::PingTimeout, now),
            left_ms => self.set_alarm(place, Alarm::Silence, left_ms, now),
        }
    }

    /// Parts with sessions that should have answered a sign of life by now and were not heard of since they were sent it.
    fn look_for_answers(&mut self, now: Now) {
        while let Some((group, sent_ms)) = self.sweep.unanswered.pop_due(now.monotonic_ms) {
            for place in self.places_of(group) {
                let session = self.sessions.get(place).filter(|session| session.must_answer);
                if session.is_some_and(|session| session.silence_ms(now) > now.monotonic_ms - sent_ms) {
                    self.part(place, Farewell::PingTimeout, now);
                }
            }
        }
    }

    /// Something has come from a client: the answer to the sign of life it was sent, if it was.
    pub(crate) fn note_answer(&mut self, place: Place) {
        let sent_us = self.sweep.sent_us[(place % GROUPS) as usize];
        let Some(session) = self.sessions.get_mut(place) else { return };
        session.is_timed = false;
        let us = self.turn.began_us.saturating_sub(sent_us);
        session.note_lag(us);
        self.tally.lag.add(us, 1);
    }

    fn places_of(&self, group: u32) -> impl Iterator<Item = Place> + use<> {
        (group..self.sessions.places()).step_by(GROUPS as usize)
    }

    /// Who was heard of within so long is sent a sign of life that much later.
    fn put_off_ms(&self) -> u64 {
        self.settings.ping_interval_ms / PUT_OFF
    }

    fn sweep_step_ms(&self) -> u64 {
        (self.settings.ping_interval_ms / u64::from(GROUPS)).max(1)
    }

    fn sweep(&mut self, now: Now) {
        if self.sessions.len() == 0 {
            return;
        }
        let step_ms = self.sweep_step_ms();
        let due = ((now.monotonic_ms.saturating_sub(self.sweep.last_ms)) / step_ms).min(u64::from(GROUPS));
        for _ in 0..due {
            self.sweep.last_ms += step_ms;
            self.sweep.sent_us[self.sweep.group as usize] = self.turn.began_us;
            for place in self.places_of(self.sweep.group) {
                self.look_after(place, now);
            }
            if self.sessions.len() == 0 {
                return;
            }
            self.sweep.unanswered.push(now.monotonic_ms, (self.sweep.group, now.monotonic_ms));
            self.sweep.group = (self.sweep.group + 1) % GROUPS;
        }
        if due == u64::from(GROUPS) {
            self.sweep.last_ms = now.monotonic_ms;
        }
    }

    /// Sends a session a sign of life. Who was heard of just now is sent it a little later, so that it does not get between what the client
    /// asks and the answer to that; clients of some protocols do not expect it before an interval has passed.
    fn look_after(&mut self, place: Place, now: Now) {
        self.mind_expiry(place, now);
        self.floods.forget_if_over(place, now);
        let a_little_ms = self.put_off_ms();
        let Some(session) = self.sessions.get_mut(place) else { return };
        if session.silence_ms(now) < a_little_ms && !session.protocol.beats() {
            session.must_answer = false;
            return self.set_alarm(place, Alarm::Ping, a_little_ms, now);
        }
        self.ping(place, now);
        if let Some(session) = self.sessions.get_mut(place) {
            session.is_timed = session.must_answer && self.turn.began_us > 0;
        }
    }

    /// Who has spoken again since, and was echoed, is not sent one before the next interval.
    fn ping_late(&mut self, place: Place, now: Now) {
        let a_little_ms = self.put_off_ms();
        let has_spoken =
            |session: &Session| session.protocol.echoes() && session.silence_ms(now) < a_little_ms;
        if self.sessions.get(place).is_some_and(has_spoken) {
            return;
        }
        self.ping(place, now);
        let Some(session) = self.sessions.get_mut(place) else { return };
        // Not when those have answered that were pinged in its turn.
        if std::mem::take(&mut session.must_answer) {
            self.set_alarm(place, Alarm::Answer(now.monotonic_ms), self.settings.ping_timeout_ms, now);
        }
    }

    fn look_for_answer(&mut self, place: Place, sent_ms: u64, now: Now) {
        let silence_ms = self.sessions.get(place).map_or(0, |session| session.silence_ms(now));
        if silence_ms > now.monotonic_ms - sent_ms {
            self.part(place, Farewell::PingTimeout, now);
        }
    }

    fn ping(&mut self, place: Place, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let id = session.stream;
        let mut out = Outbox::default();
        session.must_answer = session.protocol.ping(&mut out);
        self.settle(place, id, &mut out, now);
    }
}
