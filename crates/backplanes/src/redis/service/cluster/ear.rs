//! What a master pushes: publications, and which channels are listened to. Channels are told apart by their names, never by the order of
//! answers, in which a master puts in a word of its own when a slot moves away.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use redis::{PushInfo, PushKind, Value};

use super::branch::Tuned;
use crate::redis::broker::{Channel, Heard};
use crate::redis::service::wording::Wording;

/// So many publications wait until the service takes them.
const HEARD_MAX: usize = 512;

pub(super) struct Ear {
    wording: Arc<Wording>,
    /// Channels that were asked for, and when.
    sought: HashMap<String, Instant>,
    /// The same by time, so that the oldest is found.
    waiting: BTreeMap<Instant, usize>,
    /// How often channels are still to be said to be left, because they were asked to be.
    left: HashMap<String, u32>,
    heard: Vec<(Channel, Heard)>,
    tuned: Tuned,
}

impl Ear {
    pub(super) fn new(wording: Arc<Wording>) -> Self {
        let (sought, waiting, left) = (HashMap::new(), BTreeMap::new(), HashMap::new());
        Self { wording, sought, waiting, left, heard: Vec::new(), tuned: Tuned::default() }
    }

    /// Notes that channels are asked for. Returns their names.
    pub(super) fn seek(&mut self, channels: &[Channel], now: Instant) -> Vec<String> {
        let names: Vec<_> = channels.iter().map(|channel| self.wording.keys.channel(channel)).collect();
        for name in &names {
            self.found(name);
            self.sought.insert(name.clone(), now);
            *self.waiting.entry(now).or_default() += 1;
        }
        names
    }

    /// Notes that channels are left. Returns their names.
    pub(super) fn leave(&mut self, channels: &[Channel]) -> Vec<String> {
        let names: Vec<_> = channels.iter().map(|channel| self.wording.keys.channel(channel)).collect();
        names.iter().for_each(|name| *self.left.entry(name.clone()).or_default() += 1);
        names
    }

    /// Since when the master owes an answer.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.waiting.keys().next().copied()
    }

    pub(super) fn is_full(&self) -> bool {
        self.heard.len() >= HEARD_MAX
    }

    pub(super) fn has_heard(&self) -> bool {
        !self.heard.is_empty()
    }

    pub(super) fn take_heard(&mut self) -> Vec<(Channel, Heard)> {
        std::mem::take(&mut self.heard)
    }

    /// What became of channels since it was asked last, if anything did.
    pub(super) fn take_tuned(&mut self) -> Option<Tuned> {
        let tuned = std::mem::take(&mut self.tuned);
        (!tuned.heard.is_empty() || !tuned.refused.is_empty()).then_some(tuned)
    }

    pub(super) fn take(&mut self, push: PushInfo) {
        let PushInfo { kind, data } = push;
        let mut data = data.into_iter();
        let (Some(Value::BulkString(name)), second) = (data.next(), data.next()) else { return };
        let Ok(name) = String::from_utf8(name) else { return };
        match (kind, second) {
            (PushKind::SMessage, Some(Value::BulkString(payload))) => {
                self.heard.extend(self.wording.hear(&name, payload));
            }
            (PushKind::SSubscribe, _) if self.found(&name) => {
                self.tuned.heard.extend(self.wording.keys.read_channel(&name));
            }
            (PushKind::SUnsubscribe, _) => self.parted(&name),
            _ => {}
        }
    }

    /// The answers to the command for these channels are there, and all that was pushed before them. Where one is an error, all that are still
    /// sought are refused: which of them is meant cannot be told.
    pub(super) fn answered(&mut self, names: &[String], answers: &[Value]) {
        let Some(Value::ServerError(error)) =
            answers.iter().find(|answer| matches!(answer, Value::ServerError(_)))
        else {
            return;
        };
        tracing::debug!(%error, "a master does not let a channel be listened to");
        for name in names {
            self.left.remove(name);
            if self.found(name) {
                self.tuned.refused.extend(self.wording.keys.read_channel(name));
            }
        }
    }

    /// Whether that was sought, which it is no more.
    fn found(&mut self, name: &str) -> bool {
        let Some(since) = self.sought.remove(name) else { return false };
        if let Some(count) = self.waiting.get_mut(&since) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&since);
            }
        }
        true
    }

    /// A channel is not listened to any more: as it was asked, or because its slot is another's now.
    fn parted(&mut self, name: &str) {
        match self.left.get_mut(name) {
            Some(1) => drop(self.left.remove(name)),
            Some(times) => *times -= 1,
            None => self.tuned.refused.extend(self.wording.keys.read_channel(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::{RoomId, RoomName};

    use super::*;
    use crate::Settings;

    fn ear() -> Ear {
        Ear::new(Arc::new(Wording::sharded(&Settings::default())))
    }

    fn channel(name: &str) -> Channel {
        Channel::Room(RoomId::public(RoomName::new(name).expect("a valid name")))
    }

    fn push(kind: PushKind, name: &str) -> PushInfo {
        PushInfo { kind, data: vec![Value::BulkString(name.as_bytes().to_vec()), Value::Int(1)] }
    }

    #[test]
    fn a_channel_is_listened_to_once_its_own_name_is_said() {
        let mut ear = ear();
        let now = Instant::now();
        assert_eq!(ear.seek(&[channel("a"), channel("b")], now), ["room:{a}", "room:{b}"]);
        ear.take(push(PushKind::SUnsubscribe, "room:{c}"));
        ear.take(push(PushKind::SSubscribe, "room:{b}"));
        let tuned = ear.take_tuned().expect("something became of it");
        assert_eq!((tuned.heard, tuned.refused), (vec![channel("b")], vec![channel("c")]));
        assert_eq!(ear.waits_since(), Some(now), "for the other");
        ear.take(push(PushKind::SSubscribe, "room:{a}"));
        assert_eq!(ear.waits_since(), None);
    }

    #[test]
    fn channels_that_are_left_are_not_missed() {
        let mut ear = ear();
        ear.leave(&[channel("a")]);
        ear.take(push(PushKind::SUnsubscribe, "room:{a}"));
        assert!(ear.take_tuned().is_none());
        ear.take(push(PushKind::SUnsubscribe, "room:{a}"));
        assert_eq!(ear.take_tuned().expect("nobody asked for that").refused, [channel("a")]);
    }
}
