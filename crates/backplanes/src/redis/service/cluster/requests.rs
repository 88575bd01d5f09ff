//! Requests on their way through a cluster. The commands of one go to the masters that have their keys, one after the other, so that what is to
//! be cleaned up is noted before it is there and until it is gone. Requests about who attends to a room pass one at a time, in order.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chat::RoomId;
use redis::{Cmd, ServerError, Value};

use super::branch::{Answer, Part};
use super::slots::slot_of;
use super::{Cluster, State};
use crate::redis::broker::{Attend, Post, Reply, Request};
use crate::redis::service::wording::{Asked, Commands, What};

/// What a master says that does not do something, but another does, or will: it is to be asked for again.
const ELSEWHERE_OR_LATER: [&str; 8] =
    ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY", "LOADING", "MASTERDOWN", "NOSCRIPT"];

/// Requests under way.
#[derive(Default)]
pub(super) struct Requests {
    under_way: HashMap<u64, UnderWay>,
    /// Rooms of which a request is under way, and what waits for that.
    lanes: HashMap<RoomId, VecDeque<(u64, Request)>>,
    /// Whose turn it is.
    ready: VecDeque<(u64, Request)>,
    begun: u64,
}

struct UnderWay {
    asked: Asked,
    steps: Steps,
    /// How many steps have been taken.
    taken: usize,
    /// The answer, and whether the replicas have what it is about.
    answer: Option<(Value, bool)>,
    /// Where the step under way is.
    at: usize,
    /// The step under way, if another master may have to be asked for it.
    again: Option<Cmd>,
    lane: Option<RoomId>,
}

/// Commands, and the slots of their keys.
#[derive(Default)]
struct Steps(VecDeque<(u16, Cmd)>);

impl Commands for Steps {
    fn add(&mut self, key: &str, command: Cmd) {
        self.0.push_back((slot_of(key), command));
    }
}

impl Requests {
    /// Those with a step at a master, in order.
    pub(super) fn at(&self, master: usize) -> Vec<u64> {
        let there = self.under_way.iter().filter(|(_, request)| request.at == master);
        let mut there: Vec<_> = there.map(|(id, _)| *id).collect();
        there.sort_unstable();
        there
    }

    /// How many there have been.
    pub(super) fn count(&self) -> u64 {
        self.begun
    }

    /// The next of a room that waited for this one.
    fn leave_lane(&mut self, lane: Option<RoomId>) {
        let Some(room) = lane else { return };
        let next = self.lanes.get_mut(&room).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.lanes.remove(&room);
        }
        self.ready.extend(next);
    }
}

/// The room whose requests of this kind pass one at a time.
fn lane_of(request: &Request) -> Option<&RoomId> {
    match request {
        Request::Attend(Attend { room, .. }) | Request::Forsake { room, .. } | Request::Here { room, .. } => {
            Some(room)
        }
        _ => None,
    }
}

impl Cluster {
    pub(super) fn ask(&mut self, id: u64, request: Request) {
        if let Some(room) = lane_of(&request) {
            if let Some(waiting) = self.requests.lanes.get_mut(room) {
                return waiting.push_back((id, request));
            }
            self.requests.lanes.insert(room.clone(), VecDeque::new());
        }
        self.begin(id, request);
        self.proceed();
    }

    /// Begins what has waited for something that is done.
    pub(super) fn proceed(&mut self) {
        while let Some((id, request)) = self.requests.ready.pop_front() {
            self.begin(id, request);
        }
    }

    fn begin(&mut self, id: u64, request: Request) {
        self.requests.begun += 1;
        let lane = lane_of(&request).cloned();
        let Some(run) = self.run_for(&request) else {
            self.replies.push((id, Reply::Unanswered));
            return self.requests.leave_lane(lane);
        };
        let mut steps = Steps::default();
        let Some(asked) = self.wording.ask(request, &run, &mut steps) else {
            return self.requests.leave_lane(lane);
        };
        let under_way = UnderWay { asked, steps, taken: 0, answer: None, at: 0, again: None, lane };
        self.requests.under_way.insert(id, under_way);
        self.take_step(id);
    }

    /// The run of the master that will write down which run it is in; `None`: it is away.
    fn run_for(&self, request: &Request) -> Option<Arc<str>> {
        let (Request::Post(Post { room, .. }) | Request::Attend(Attend { room, .. })) = request else {
            return Some(Arc::default());
        };
        let (_, master) = self.owner(slot_of(&self.wording.keys.channel_of(room)))?;
        if let State::Up { run, .. } = &master.state { Some(run.clone()) } else { None }
    }

    fn take_step(&mut self, id: u64) {
        let Some(request) = self.requests.under_way.get_mut(&id) else { return };
        let Some((slot, command)) = request.steps.0.pop_front() else { return self.finish(id) };
        let Some((at, _)) = self.owner(slot) else { return self.unanswered(id) };
        let Some(request) = self.requests.under_way.get_mut(&id) else { return };
        let what = request.asked.what;
        request.at = at;
        // What has several keys is refused by both masters while some are on their way, and is asked for again by the machine.
        request.again = (!matches!(what, What::Post | What::Attend)).then(|| command.clone());
        self.gather(at, Part { id, command, is_redirected: false, is_post: what == What::Post });
    }

    fn gather(&mut self, at: usize, part: Part) {
        if let Some(master) = self.masters.get_mut(&at) {
            master.gathered.push(part);
        }
    }

    pub(super) fn answered(&mut self, number: usize, answer: Answer) {
        let Answer { id, value, is_replicated } = answer;
        let Some(request) = self.requests.under_way.get_mut(&id).filter(|request| request.at == number)
        else {
            return;
        };
        if let Value::ServerError(error) = &value {
            return self.failed(number, id, error.clone());
        }
        if request.taken == request.asked.telling {
            request.answer = Some((value, is_replicated));
        }
        request.taken += 1;
        self.take_step(id);
    }

    fn failed(&mut self, number: usize, id: u64, error: ServerError) {
        let Some(request) = self.requests.under_way.get_mut(&id) else { return };
        let what = request.asked.what;
        if !ELSEWHERE_OR_LATER.contains(&error.code()) {
            tracing::warn!(%error, ?what, "Redis refused a request");
            request.answer = Some((Value::ServerError(error), true));
            return self.finish(id);
        }
        tracing::debug!(%error, ?what, place = %self.map.place(number), "a master has it not, or not yet");
        let again = request.again.take();
        match error.code() {
            "ASK" => {
                let to = error.details().and_then(|details| self.map.asked_to_go_to(details, number));
                let there =
                    to.filter(|to| self.masters.get(to).is_some_and(|master| master.life().is_some()));
                if let (Some(to), Some(command)) = (there, again) {
                    if let Some(request) = self.requests.under_way.get_mut(&id) {
                        request.at = to;
                    }
                    return self.gather(to, Part { id, command, is_redirected: true, is_post: false });
                }
            }
            "TRYAGAIN" => {}
            "NOSCRIPT" => self.renew(number),
            _ => self.is_in_doubt = true,
        }
        self.unanswered(id);
    }

    /// Makes the connections to a master anew, which gives it the scripts.
    fn renew(&mut self, number: usize) {
        if self.masters.remove(&number).is_some() {
            let master = self.branch_out(number);
            self.masters.insert(number, master);
            self.give_up(number);
        }
    }

    /// Nobody knows whether it was done.
    pub(super) fn unanswered(&mut self, id: u64) {
        if let Some(request) = self.requests.under_way.remove(&id) {
            self.replies.push((id, Reply::Unanswered));
            self.requests.leave_lane(request.lane);
        }
    }

    fn finish(&mut self, id: u64) {
        let Some(UnderWay { asked, answer, lane, .. }) = self.requests.under_way.remove(&id) else { return };
        self.requests.leave_lane(lane);
        let Some((answer, is_replicated)) = answer else { return };
        let reply = match self.wording.read(asked.what, answer) {
            Some(Reply::Placed { .. }) if !is_replicated => Some(Reply::Unreplicated),
            reply => reply,
        };
        self.replies.extend(reply.map(|reply| (id, reply)));
    }
}
