//! Sending what has gathered: each stream once, with all that is for it, and rooms in slices so that none holds up the others.

use std::sync::Arc;

use chat::{Event, Farewell, Presence, RoomId};
use gateways::MAIN;
use smallvec::{SmallVec, smallvec};

use crate::audience::Audience;
use crate::sessions::{Missed, PENDING};
use crate::streams::{NOBODY, NOWHERE, Phase, Place};
use crate::{Effects, Mail, Now, Shard, SlowPolicy, StreamId};

/// Members sent to in a turn before input is looked for again.
const SENDS_PER_TURN: u32 = 256;
/// Members of one room sent to before the next room has its turn.
const SENDS_PER_ROOM: u32 = 64;
/// Members looked at for one slice, those that have everything included.
const VISITS_PER_ROOM: u32 = 4096;
/// What is gathered for one send when it comes from several places; a single room's frames are sent from where they are.
const GATHERED_BYTES: usize = 64 * 1024;

impl Shard {
    /// Sends to streams that have something of their own.
    pub(crate) fn flush_touched(&mut self, now: Now, effects: &mut dyn Effects) {
        let mut touched = std::mem::take(&mut self.touched);
        for id in touched.drain(..) {
            if let Some(stream) = self.streams.get_mut(id) {
                stream.touched = false;
                self.flush_stream(id, now, effects);
            }
        }
        touched.append(&mut self.touched);
        self.touched = touched;
    }

    /// Visits the members of rooms that were told something, a slice of each room in turn.
    pub(crate) fn fan_out(&mut self, now: Now, effects: &mut dyn Effects) {
        let mut left = SENDS_PER_TURN;
        while left > 0
            && let Some(place) = self.audiences.ring.pop_front()
        {
            self.audiences.get_mut(place).ringed = false;
            left =
                left.saturating_sub(self.fan_out_slice(place, left.min(SENDS_PER_ROOM), now, effects).max(1));
            if self.audiences.contains(place) && self.audiences.get(place).due > 0 {
                self.audiences.stand_in_ring(place);
            }
        }
    }

    /// Sends everything a stream can be sent now.
    pub(crate) fn flush_stream(&mut self, id: StreamId, now: Now, effects: &mut dyn Effects) {
        self.tell_missed(id, now);
        while self.send_gathered(id, effects) {}
        self.streams.count(id);
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.phase == Phase::Tunnelled {
            return self.note_taken(id);
        }
        if stream.phase == Phase::Closing && stream.own().is_empty() {
            if id.is_far() {
                self.tunnels.end_far(id);
                return self.streams.remove(id);
            }
            if stream.ended {
                return self.cut(id, now, effects);
            }
            stream.phase = Phase::Finished;
            effects.finish(id);
        }
        let place = stream.session;
        if self.sessions.get(place).is_some_and(|session| session.extras.waiting().is_some()) {
            self.sent.push(place);
        }
    }

    /// A stream takes more again.
    pub(crate) fn unstall(&mut self, id: StreamId, now: Now, effects: &mut dyn Effects) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.stalled = false;
        let place = stream.session;
        self.flush_stream(id, now, effects);
        self.note_direct(place);
        if let Some(session) = self.sessions.get(place) {
            for membership in &session.rooms {
                self.audiences.ring(membership.audience);
            }
        }
    }

    /// Visits members of one room. Says to how many something was sent.
    fn fan_out_slice(&mut self, place: Place, sends_max: u32, now: Now, effects: &mut dyn Effects) -> u32 {
        let (mut sends, mut visits) = (0, 0);
        while sends < sends_max && visits < VISITS_PER_ROOM && self.audiences.contains(place) {
            let audience = self.audiences.get_mut(place);
            if audience.due == 0 {
                break;
            }
            let member = audience.next;
            audience.due -= 1;
            audience.next = (member + 1) % audience.members.len() as u32;
            let lap_ends = audience.next == 0 && audience.due > 0;
            visits += 1;
            sends += u32::from(self.visit(place, member, now, effects));
            if lap_ends && self.audiences.contains(place) {
                self.end_lap(place, now);
            }
        }
        // Also when the last member used up the slice: what all have been sent must not be kept for the next one.
        if self.audiences.contains(place) && self.audiences.get(place).due == 0 {
            self.end_lap(place, now);
        }
        sends
    }

    /// Sends a member what it has not been sent. Says whether there was anything.
    fn visit(&mut self, place: Place, member: u32, now: Now, effects: &mut dyn Effects) -> bool {
        let audience = self.audiences.get(place);
        let reader = audience.members[member as usize];
        if reader.cursor == audience.logs[reader.log as usize].end() {
            return false;
        }
        if reader.direct {
            self.send_room(place, member, effects);
            return true;
        }
        let Some(session) = self.sessions.get(reader.session) else { return false };
        if session.stream == NOWHERE {
            return self.relay(reader.session, now);
        }
        let takes_more = self.streams.get(session.stream).is_some_and(|stream| !stream.stalled);
        if takes_more {
            self.flush_stream(session.stream, now, effects);
        }
        takes_more
    }

    /// Notes for the session's rooms whether their frames may go straight to its stream: when it takes more and there is no other room to
    /// put together with. Its inbox, and the room of everybody, hardly ever have anything, and do not count; what they do have goes the longer way.
    pub(crate) fn note_direct(&mut self, place: Place) {
        let Some(session) = self.sessions.get(place) else { return };
        let takes_more = self.streams.get(session.stream).is_some_and(|stream| !stream.stalled);
        let goes_straight = takes_more && !session.is_held();
        let rooms = self.audiences.public_rooms(session);
        for membership in session.rooms.iter().filter(|membership| membership.member != PENDING) {
            let audience = self.audiences.get_mut(membership.audience);
            let direct = goes_straight && rooms == 1 && audience.room.is_public();
            audience.members[membership.member as usize].direct = direct;
        }
    }

    /// Sends the frames of one room straight from its log.
    fn send_room(&mut self, place: Place, member: u32, effects: &mut dyn Effects) {
        let audience = self.audiences.get_mut(place);
        let reader = &mut audience.members[member as usize];
        let log = &audience.logs[reader.log as usize];
        let bytes = log.after(reader.cursor);
        let sent = self.tunnels.write(reader.stream, bytes, effects);
        self.tally.writes += 1;
        self.tally.bytes_out += sent as u64;
        let (cursor, torn) =
            if sent == bytes.len() { (log.end(), &[][..]) } else { log.advance(reader.cursor, sent) };
        self.tally.deliveries += cursor - reader.cursor;
        self.turn.sent(log.heard(reader.cursor, cursor), &mut self.tally.delivery, &mut self.traces);
        reader.cursor = cursor;
        if sent < bytes.len() {
            let (stream, session) = (reader.stream, reader.session);
            if let Some(stalled) = self.streams.get_mut(stream) {
                stalled.push_own(torn);
            }
            self.streams.count(stream);
            self.stall(stream, session);
        }
    }

    /// The stream takes no more for now.
    fn stall(&mut self, id: StreamId, place: Place) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.stalled = true;
        self.tally.stalls += 1;
        self.note_direct(place);
    }

    /// Sends a stream's own bytes and after them what its rooms have for it, as one. Says whether there may be more to send.
    fn send_gathered(&mut self, id: StreamId, effects: &mut dyn Effects) -> bool {
        let Some(stream) = self.streams.get_mut(id) else { return false };
        if stream.stalled || stream.phase == Phase::Finished {
            return false;
        }
        let mut gathered = std::mem::take(&mut self.gathered);
        gathered.clear();
        gathered.extend_from_slice(stream.own());
        let place = if stream.lane == MAIN { stream.session } else { NOBODY };
        let more = self.gather_rooms(place, &mut gathered);
        let sent = if gathered.is_empty() { 0 } else { self.tunnels.write(id, &gathered, effects) };
        let all = sent == gathered.len();
        if !gathered.is_empty() {
            self.tally.writes += 1;
            self.tally.bytes_out += sent as u64;
            self.account(id, place, sent);
            if !all {
                self.stall(id, place);
            }
        }
        self.gathered = gathered;
        all && more
    }

    /// Appends what the rooms of a session have for it. Says whether they have more than was appended.
    fn gather_rooms(&mut self, place: Place, gathered: &mut Vec<u8>) -> bool {
        let Some(session) = self.sessions.get(place) else { return false };
        for membership in session.rooms.iter().filter(|membership| membership.member != PENDING) {
            if gathered.len() > GATHERED_BYTES {
                return true;
            }
            let audience = self.audiences.get(membership.audience);
            if session.is_held_in(&audience.room) {
                continue;
            }
            let reader = audience.members[membership.member as usize];
            gathered.extend_from_slice(audience.logs[reader.log as usize].after(reader.cursor));
        }
        false
    }

    /// Notes that the first `sent` bytes of what [`Self::send_gathered`] put together are gone.
    fn account(&mut self, id: StreamId, place: Place, sent: usize) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let own = stream.own().len();
        stream.drop_own(sent);
        if sent < own {
            return;
        }
        let mut left = sent - own;
        self.note_sent(place);
        let Some(session) = self.sessions.get(place) else { return };
        let Some(stream) = self.streams.get_mut(id) else { return };
        for membership in session.rooms.iter().filter(|membership| membership.member != PENDING) {
            let audience = self.audiences.get_mut(membership.audience);
            if session.is_held_in(&audience.room) {
                continue;
            }
            let reader = &mut audience.members[membership.member as usize];
            let log = &audience.logs[reader.log as usize];
            let length = log.after(reader.cursor).len().min(left);
            if length == 0 {
                continue;
            }
            let (cursor, torn) = log.advance(reader.cursor, length);
            stream.push_own(torn);
            self.tally.deliveries += cursor - reader.cursor;
            self.turn.sent(log.heard(reader.cursor, cursor), &mut self.tally.delivery, &mut self.traces);
            reader.cursor = cursor;
            left -= length;
        }
        self.note_sent(place);
    }

    /// A lap ends when every member was visited: what all have been sent is let go, and who lags too far meets the room's policy.
    fn end_lap(&mut self, place: Place, now: Now) {
        let limit = self.settings.session_queue_bytes;
        let audience = self.audiences.get(place);
        let mut oldest: SmallVec<[u64; 4]> = audience.logs.iter().map(|log| log.end()).collect();
        let mut slow: SmallVec<[u32; 4]> = smallvec![];
        for (index, member) in audience.members.iter().enumerate() {
            let log = &audience.logs[member.log as usize];
            oldest[member.log as usize] = oldest[member.log as usize].min(member.cursor);
            if member.cursor < log.end() && log.after(member.cursor).len() > limit {
                slow.push(index as u32);
            }
        }
        self.audiences.trim(place, &oldest);
        // From the last to the first: who leaves has its place taken by the last.
        for member in slow.into_iter().rev() {
            self.meet_policy(place, member, now);
        }
    }

    fn meet_policy(&mut self, place: Place, member: u32, now: Now) {
        let audience = self.audiences.get(place);
        let reader = audience.members[member as usize];
        let log = &audience.logs[reader.log as usize];
        let stalled = |session: &crate::sessions::Session| {
            self.streams.get(session.stream).is_none_or(|stream| stream.stalled)
        };
        if !self.sessions.get(reader.session).is_some_and(stalled) {
            return;
        }
        let cursor = match audience.policy {
            SlowPolicy::Disconnect => return self.part(reader.session, Farewell::SlowConsumer, now),
            SlowPolicy::DropOldest => log.latest_within(self.settings.session_queue_bytes / 2),
            SlowPolicy::LatestOnly => log.end() - 1,
        };
        let missed = missed_between(audience, reader.log, reader.cursor, cursor);
        if !self.can_be_told(place, reader.log, &missed) {
            return self.part(reader.session, Farewell::SlowConsumer, now);
        }
        self.tally.frames_dropped += cursor - reader.cursor;
        self.note_sent(reader.session);
        self.audiences.get_mut(place).members[member as usize].cursor = cursor;
        self.note_missed(reader.session, missed);
    }

    /// Whether the form has words for what was missed; a session that cannot be told is parted with instead.
    fn can_be_told(&mut self, place: Place, log: u16, missed: &Missed) -> bool {
        let form = self.audiences.get(place).logs[log as usize].form;
        let mut words = Vec::new();
        let event = Event::Lost { room: missed.room.clone(), since: missed.since, at: missed.at };
        self.gateways[form.gateway as usize].encode(form.variant, &event, &mut words);
        !words.is_empty()
    }

    fn note_missed(&mut self, place: Place, missed: Missed) {
        if let Some(session) = self.sessions.get_mut(place) {
            session.extras.note_missed(missed);
        }
    }

    /// Tells a session what it was made to miss, before it is sent anything later.
    fn tell_missed(&mut self, id: StreamId, now: Now) {
        if let Some(stream) = self.streams.get(id).filter(|stream| !stream.stalled && stream.lane == MAIN) {
            self.tell_missed_to(stream.session, now);
        }
    }

    pub(crate) fn tell_missed_to(&mut self, place: Place, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        for missed in session.extras.take_missed() {
            self.tell_one_missed(place, missed, now);
        }
    }

    /// Tells a session that leaves a room what it was made to miss there, while it still means something.
    pub(crate) fn tell_missed_in(&mut self, place: Place, room: &RoomId, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        if let Some(index) = session.extras.missed().iter().position(|missed| missed.room == *room) {
            let missed = session.extras.remove_missed(index);
            self.tell_one_missed(place, missed, now);
        }
    }

    /// When it may not know who came and went either, it is told that first, and everybody soon after.
    fn tell_one_missed(&mut self, place: Place, missed: Missed, now: Now) {
        let Missed { room, since, at, is_more } = missed;
        if at != since {
            self.deliver(place, &Event::Lost { room: room.clone(), since, at }, now);
        }
        if is_more
            && room.is_public()
            && let Some(audience) = self.audiences.find(&room)
        {
            let counts = self.audiences.get(audience).counts;
            let home = self.settings.home_of(&room);
            self.send_mail(home, Mail::Unsure { room: room.clone() });
            let presence = Presence { room, joined: None, left: None, counts };
            self.deliver(place, &Event::Presence(Arc::new(presence)), now);
        }
    }
}

/// What lies between two cursors of a log.
fn missed_between(audience: &Audience, log: u16, from: u64, to: u64) -> Missed {
    let log = &audience.logs[log as usize];
    let at = |cursor| log.position_before(cursor, audience.epoch);
    let (since, at) = (at(from), at(to));
    // Offsets begin again in another epoch.
    let is_more = to - from > at.offset.saturating_sub(since.offset);
    Missed { room: audience.room.clone(), since, at, is_more }
}
