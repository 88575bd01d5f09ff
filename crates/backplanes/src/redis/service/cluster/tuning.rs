//! Which channels are listened to at which masters of a cluster, and which are still to be.

use std::collections::HashMap;

use super::Cluster;
use super::branch::{Tuned, Tuning};
use super::slots::{Map, slot_of};
use crate::redis::broker::{Channel, Reply};
use crate::redis::service::wording::Wording;

/// Channels subscribed to at once.
const CHANNELS_AT_ONCE: usize = 512;

/// Where channels are listened to.
#[derive(Default)]
pub(super) struct Channels {
    heard: HashMap<Channel, usize>,
    /// For which request, and where.
    sought: HashMap<Channel, (u64, usize)>,
    /// Requests whose channels are not all decided on.
    requests: HashMap<u64, Undecided>,
}

/// A request to listen.
#[derive(Default)]
struct Undecided {
    open: usize,
    unheard: Vec<Channel>,
}

impl Channels {
    /// Notes what became of a channel that was sought; says it when all of its request are decided on.
    fn decide(&mut self, channel: Channel, is_heard: bool, replies: &mut Vec<(u64, Reply)>) {
        let Some((id, master)) = self.sought.remove(&channel) else { return };
        if is_heard {
            self.heard.insert(channel, master);
            self.close(id, None, replies);
        } else {
            self.close(id, Some(channel), replies);
        }
    }

    fn close(&mut self, id: u64, unheard: Option<Channel>, replies: &mut Vec<(u64, Reply)>) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.open -= 1;
        request.unheard.extend(unheard);
        if request.open == 0 {
            let Undecided { unheard, .. } = self.requests.remove(&id).unwrap_or_default();
            replies.push((id, if unheard.is_empty() { Reply::Done } else { Reply::Unheard(unheard) }));
        }
    }

    /// Nothing is heard at a master any more. Returns what was.
    pub(super) fn lose(&mut self, master: usize, replies: &mut Vec<(u64, Reply)>) -> Vec<Channel> {
        let sought: Vec<_> = self.sought.iter().filter(|(_, (_, at))| *at == master).collect();
        let sought: Vec<_> = sought.into_iter().map(|(channel, _)| channel.clone()).collect();
        sought.into_iter().for_each(|channel| self.decide(channel, false, replies));
        self.heard.extract_if(|_, at| *at == master).map(|(channel, _)| channel).collect()
    }

    /// What is listened to at masters that do not have it any more. It is not from now on.
    pub(super) fn moved(&mut self, map: &Map, wording: &Wording) -> Vec<Channel> {
        let owner = |channel: &Channel| map.owner(slot_of(&wording.keys.channel(channel)));
        self.heard.extract_if(|channel, at| owner(channel) != Some(*at)).map(|(channel, _)| channel).collect()
    }
}

impl Cluster {
    pub(super) fn listen(&mut self, id: u64, channels: Vec<Channel>) {
        let mut unheard = Vec::new();
        let mut at: HashMap<usize, Vec<Channel>> = HashMap::new();
        let mut open = 0;
        for channel in channels {
            let slot = slot_of(&self.wording.keys.channel(&channel));
            let Some((number, _)) = self.owner(slot) else {
                unheard.push(channel);
                continue;
            };
            // Who asked before has nothing from it any more.
            self.channels.decide(channel.clone(), false, &mut self.replies);
            self.channels.sought.insert(channel.clone(), (id, number));
            at.entry(number).or_default().push(channel);
            open += 1;
        }
        if open == 0 {
            let reply = if unheard.is_empty() { Reply::Done } else { Reply::Unheard(unheard) };
            return self.replies.push((id, reply));
        }
        self.channels.requests.insert(id, Undecided { open, unheard });
        for (number, channels) in at {
            let Some(master) = self.masters.get(&number) else { continue };
            channels.chunks(CHANNELS_AT_ONCE).for_each(|some| master.tune(Tuning::Listen(some.to_vec())));
        }
    }

    pub(super) fn unlisten(&mut self, channels: Vec<Channel>) {
        let mut at: HashMap<usize, Vec<Channel>> = HashMap::new();
        for channel in channels {
            // What is still sought will be heard, and left then.
            self.channels.decide(channel.clone(), true, &mut self.replies);
            if let Some(number) = self.channels.heard.remove(&channel) {
                at.entry(number).or_default().push(channel);
            }
        }
        for (number, channels) in at {
            if let Some(master) = self.masters.get(&number) {
                master.tune(Tuning::Unlisten(channels));
            }
        }
    }

    pub(super) fn tuned(&mut self, number: usize, tuned: Tuned) {
        for channel in tuned.heard {
            self.channels.decide(channel, true, &mut self.replies);
        }
        for channel in tuned.refused {
            self.is_in_doubt = true;
            if self.channels.heard.get(&channel) == Some(&number) {
                self.channels.heard.remove(&channel);
                self.unheard.push(channel);
            } else {
                self.channels.decide(channel, false, &mut self.replies);
            }
        }
    }
}
