//! The shard itself: what it owns, and which input goes where.

use std::collections::VecDeque;
use std::sync::Arc;

use access::Access;
use backplanes::{Backplane, Signal};
use chat::RoomId;
use gateways::{GATEWAYS, Gateway, Outbox};
use hashbrown::HashSet;
use stores::Store;

use crate::alarms::Alarms;
use crate::audience::Audiences;
use crate::bequests::Bequests;
use crate::bids::Bids;
use crate::bucket::Bucket;
use crate::callers::Callers;
use crate::clock::Sweep;
use crate::deadlines::Deadlines;
use crate::drain::Drain;
use crate::envelopes::Envelope;
use crate::flood::Floods;
use crate::headcount::Headcount;
use crate::home::{Addressed, Homes};
use crate::latency::Turn;
use crate::moderation::Moderation;
use crate::moves::Departure;
use crate::names::Names;
use crate::office::Office;
use crate::reclaims::Reclaims;
use crate::records::Records;
use crate::sessions::Sessions;
use crate::standing::Judgement;
use crate::streams::{Place, Streams};
use crate::traces::{TraceStage, Traces};
use crate::travels::Travels;
use crate::tunnels::Tunnels;
use crate::{
    Effects, Holdings, Input, Mail, News, Notice, Now, SessionKey, Settings, ShardId, StreamId, Tally,
};

/// One core's share of the node. Not `Send`: it never leaves its core.
pub struct Shard {
    pub(crate) settings: Settings,
    pub(crate) gateways: Vec<Box<dyn Gateway>>,
    pub(crate) streams: Streams,
    pub(crate) sessions: Sessions,
    pub(crate) names: Names,
    pub(crate) audiences: Audiences,
    pub(crate) homes: Homes,
    pub(crate) judgement: Judgement,
    /// What users and addresses have done.
    pub(crate) callers: Callers,
    /// How many sessions users and addresses have.
    pub(crate) headcount: Headcount,
    /// How far this shard is ahead of the streams that it takes.
    pub(crate) knocks: Bucket,
    /// Sessions that are to say who they are.
    pub(crate) nameless: Deadlines<SessionKey>,
    /// More waits here than may: nobody new is taken.
    pub(crate) is_crowded: bool,
    /// When it is looked again for whom most waits.
    pub(crate) hoarders_due_ms: u64,
    /// Sessions that ask for too much.
    pub(crate) floods: Floods,
    /// Strands that began here and were cut off.
    pub(crate) records: Records,
    /// Sessions that have asked about a strand.
    pub(crate) reclaims: Reclaims,
    /// What other nodes remember of them instead, while the node goes away.
    pub(crate) bequests: Bequests,
    /// What applications have asked of all nodes.
    pub(crate) bids: Bids,
    /// What operators have asked.
    pub(crate) office: Office,
    /// What operators have ruled.
    pub(crate) moderation: Moderation,
    pub(crate) tunnels: Tunnels,
    /// Sessions that go to the nodes of their streams.
    pub(crate) travels: Travels,
    /// Rooms with their homes elsewhere that are served here all the same.
    pub(crate) large_rooms: HashSet<RoomId>,
    /// Mail that this input has caused so far: to other shards, or to this one and read before the input is done with.
    pub(crate) mail: VecDeque<Addressed>,
    /// Streams with something of their own to be sent.
    pub(crate) touched: Vec<StreamId>,
    /// Sessions without a main stream that something is kept for.
    pub(crate) kept: Vec<Place>,
    /// Streams that go to other shards when this input is done with.
    pub(crate) departures: Vec<Departure>,
    /// Streams that have begun as TLS does, and how.
    pub(crate) securing: Vec<(StreamId, Vec<u8>)>,
    /// Streams that are to be read no more, or again.
    pub(crate) holds: Vec<StreamId>,
    /// Streams that have sent more requests ahead of the answer they now have.
    pub(crate) answered: Vec<StreamId>,
    /// Sessions that were sent something and have commands waiting, or were sent it out of turn.
    pub(crate) sent: Vec<Place>,
    /// Streams whose request head is awaited.
    pub(crate) greetings: Deadlines<StreamId>,
    /// Streams that were closed politely.
    pub(crate) closings: Deadlines<StreamId>,
    /// Which sessions are sent the next sign of life, and which must have answered the last one.
    pub(crate) sweep: Sweep,
    /// Sessions that need a moment of their own.
    pub(crate) alarms: Alarms,
    /// The backplane has more for this shard than it took.
    pub(crate) more_arrivals: bool,
    /// While the node goes away.
    pub(crate) drain: Option<Drain>,
    pub(crate) turn: Turn,
    pub(crate) traces: Traces,
    pub(crate) tally: Tally,
    /// What was noted and not said yet.
    pub(crate) notices: Vec<Notice>,
    /// What has happened and was not told yet.
    pub(crate) news: Vec<News>,
    // Buffers used again by every input.
    pub(crate) outbox: Outbox,
    pub(crate) gathered: Vec<u8>,
    pub(crate) words: Vec<u8>,
    pub(crate) addressed: Vec<Addressed>,
}

impl Shard {
    /// A shard with nobody in it, and its end of the node's backplane. It keeps nothing when the process stops.
    pub fn new(settings: Settings, backplane: Box<dyn Backplane>) -> Self {
        let store = stores::in_memory(&settings.store);
        Self::with_store(settings, backplane, store)
    }

    /// A shard with nobody in it, and its ends of the node's backplane and store.
    pub fn with_store(settings: Settings, backplane: Box<dyn Backplane>, store: Box<dyn Store>) -> Self {
        assert!(settings.shard.0 < settings.shards, "a shard is one of those there are");
        Self {
            gateways: GATEWAYS.iter().map(|(_, open)| open(&settings.gateways)).collect(),
            streams: Streams::default(),
            sessions: Sessions::new(settings.node, settings.shard),
            names: Names::new(settings.names_secret),
            audiences: Audiences::default(),
            homes: Homes::new(&settings, backplane, store),
            judgement: Judgement::new(access::names_are_free()),
            callers: Callers::default(),
            headcount: Headcount::default(),
            knocks: Bucket::default(),
            nameless: Deadlines::new(settings.limits.identify_timeout_ms),
            is_crowded: false,
            hoarders_due_ms: 0,
            floods: Floods::default(),
            records: Records::new(settings.recovery_ms, settings.records_max),
            reclaims: Reclaims::default(),
            bequests: Bequests::default(),
            bids: Bids::default(),
            office: Office::default(),
            moderation: Moderation::new(&settings.rulings, Arc::from([settings.node])),
            tunnels: Tunnels::default(),
            travels: Travels::default(),
            large_rooms: HashSet::new(),
            mail: VecDeque::new(),
            touched: Vec::new(),
            kept: Vec::new(),
            departures: Vec::new(),
            securing: Vec::new(),
            holds: Vec::new(),
            answered: Vec::new(),
            sent: Vec::new(),
            greetings: Deadlines::new(settings.handshake_timeout_ms),
            closings: Deadlines::new(settings.close_timeout_ms),
            sweep: Sweep::new(settings.ping_timeout_ms),
            alarms: Alarms::default(),
            more_arrivals: false,
            drain: None,
            turn: Turn::default(),
            traces: Traces::default(),
            tally: Tally::default(),
            notices: Vec::new(),
            news: Vec::new(),
            outbox: Outbox::default(),
            gathered: Vec::new(),
            words: Vec::new(),
            addressed: Vec::new(),
            settings,
        }
    }

    /// The same shard, where this end of who decides is asked about clients. Without, whoever takes a name has it.
    pub fn judged_by(self, access: Box<dyn Access>) -> Self {
        Self { judgement: Judgement::new(access), ..self }
    }

    /// A turn begins: inputs follow, and [`Shard::flush`]. Given the time in microseconds, on a clock that all shards of the node share; without,
    /// nothing is known of how long messages take.
    pub fn begin_turn(&mut self, us: u64) {
        self.turn.begin(us);
    }

    /// Whether it is wanted to know when the turn ended ([`Shard::end_turn`]).
    pub fn is_timed(&self) -> bool {
        self.turn.is_timed()
    }

    /// A turn has ended in which something was sent.
    pub fn end_turn(&mut self, us: u64) {
        self.turn.end(us, &mut self.tally.delivery);
    }

    /// Takes one input in. What is to be sent to clients gathers until [`Shard::flush`].
    pub fn step(&mut self, input: Input<'_>, now: Now, effects: &mut dyn Effects) {
        match input {
            Input::Knock(stream, address) => self.knock(stream, address, now),
            Input::TurnedAway => self.tally.streams_turned_away += 1,
            Input::Bytes(stream, bytes) => self.take_bytes(stream, bytes, now),
            Input::Writable(stream) => self.unstall(stream, now, effects),
            Input::Handed(stream, luggage) => self.take_over(stream, luggage, now),
            Input::HungUp(stream) => self.hung_up(stream, now, effects),
            Input::Mail(mail) => self.send_mail(self.settings.shard, mail),
            Input::Arrivals => {
                self.take_verdicts(now);
                self.take_arrivals(now);
            }
            Input::Instruction(ticket, wanted) => self.follow_instruction(ticket, wanted, now),
            Input::Tick => self.tick(now, effects),
            Input::Drain => self.drain(now),
            Input::Settings(settings) => self.renew(*settings),
        }
        self.secure_streams(effects);
        self.carry_mail(now, effects);
        self.depart(now, effects);
        self.tell_holds(effects);
        self.send_envelopes(now);
        self.tell_notices(effects);
    }

    /// Goes by what of other settings can change while there are sessions and rooms.
    fn renew(&mut self, settings: Settings) {
        let Self { settings: own, nameless, audiences, homes, .. } = self;
        own.rules.rooms = settings.rules.rooms;
        own.slow_rules = settings.slow_rules;
        own.limits = settings.limits;
        own.head_bytes_max = settings.head_bytes_max;
        own.rooms_per_session = settings.rooms_per_session;
        own.lingering_max = settings.lingering_max;
        own.room_members_max = settings.room_members_max;
        own.presence_list_max = settings.presence_list_max;
        own.proxies.trusted = settings.proxies.trusted;
        own.proxies.by = settings.proxies.by;
        own.pages = settings.pages;
        own.attention = settings.attention;
        own.drain_wait_ms = settings.drain_wait_ms;
        own.drain_ms = settings.drain_ms;
        own.drain_sessions_per_second = settings.drain_sessions_per_second;
        nameless.renew(settings.limits.identify_timeout_ms);
        audiences.renew(|room| own.slow_policy(room));
        homes.renew(own);
    }

    /// Ends a turn: sends what has gathered, a slice of it when it is much. Says whether there is more to send at once.
    pub fn flush(&mut self, now: Now, effects: &mut dyn Effects) -> bool {
        self.drain_slice(now);
        self.hand_on(now);
        self.survey_slice(now);
        self.relay_kept(now);
        self.flush_touched(now, effects);
        self.fan_out(now, effects);
        // What it handed to streams that waited.
        self.flush_touched(now, effects);
        self.go_on_after_sending(now);
        self.mind_memory(now, effects);
        self.carry_mail(now, effects);
        self.depart(now, effects);
        self.tell_holds(effects);
        self.tunnels.greet();
        self.send_envelopes(now);
        self.tell_notices(effects);
        self.tell_reports(effects);
        self.tell_news(effects);
        !self.audiences.ring.is_empty()
            || !self.touched.is_empty()
            || !self.kept.is_empty()
            || self.more_arrivals
            || self.is_draining_sessions()
            || self.bequests.goes_on()
            || self.is_surveying()
    }

    /// Has the homes do something, and sends what they say.
    pub(crate) fn at_home<R>(
        &mut self,
        now: Now,
        deed: impl FnOnce(&mut Homes, Now, &mut Vec<Addressed>) -> R,
    ) -> R {
        let mut out = std::mem::take(&mut self.addressed);
        let done = deed(&mut self.homes, now, &mut out);
        self.mail.extend(out.drain(..));
        self.addressed = out;
        done
    }

    /// Tells all other nodes. What a node says to nodes is said by its first shard, to theirs.
    pub(crate) fn tell_nodes(&mut self, what: &Envelope, now: Now) {
        let bytes = what.write(ShardId::FIRST, ShardId::FIRST);
        self.at_home(now, |homes, now, out| homes.send_all(bytes.into(), now, out));
    }

    /// Takes what has arrived from the backplane, and what the store tells.
    fn take_arrivals(&mut self, now: Now) {
        self.more_arrivals = self.at_home(now, Homes::collect);
        self.greet_nodes();
    }

    /// Sends what there is to be said to other nodes.
    fn send_envelopes(&mut self, now: Now) {
        let mut out = std::mem::take(&mut self.addressed);
        for (to, bytes) in self.tunnels.take_outgoing(self.settings.shard) {
            self.homes.send(to, bytes, now, &mut out);
        }
        self.mail.extend(out.drain(..));
        self.addressed = out;
    }

    /// When [`Input::Tick`] is wanted next, on the monotonic clock.
    pub fn next_wake_ms(&self) -> Option<u64> {
        let of_streams = [
            self.greetings.look_ms(),
            self.closings.look_ms(),
            self.homes.next_ms(),
            self.nameless.look_ms(),
        ];
        let of_sessions =
            [self.next_sweep_ms(), self.alarms.next_ms(), self.records.next_ms(), self.travels.next_ms()];
        let of_node =
            [self.tunnels.next_ms(), self.reclaims.next_ms(), self.next_drain_ms(), self.bids.next_ms()];
        of_streams.into_iter().chain(of_sessions).chain(of_node).flatten().min()
    }

    /// Whether no stream is open.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// What the shard has counted since it was started.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What the shard holds now.
    pub fn holdings(&self) -> Holdings {
        let (history_messages, history_bytes) = self.homes.history();
        Holdings {
            streams: self.streams.len(),
            held: self.streams.held(),
            tunnels: self.tunnels.len(),
            sessions: self.sessions.len(),
            by_gateway: self.sessions.by_gateway(),
            audiences: self.audiences.rooms(),
            rooms: self.homes.len(),
            lingering: self.sessions.lingering(),
            records: self.records.len(),
            queued_bytes: self.queued_bytes(),
            is_crowded: self.is_crowded,
            history_messages,
            history_bytes,
        }
    }

    /// Carries mail where it belongs until there is none left, and looks at the requests that were sent ahead of an
    /// answer which came with it.
    fn carry_mail(&mut self, now: Now, effects: &mut dyn Effects) {
        loop {
            while let Some((to, mail)) = self.mail.pop_front() {
                if to == self.settings.shard {
                    self.read(mail, now, effects);
                } else {
                    effects.mail(to, mail);
                }
            }
            let Some(stream) = self.answered.pop() else { return };
            self.take_ahead(stream, now);
        }
    }

    /// Reads mail: what is for a home here, and what is from one.
    fn read(&mut self, mail: Mail, now: Now, effects: &mut dyn Effects) {
        let mut out = std::mem::take(&mut self.addressed);
        match mail {
            Mail::Enter(enter) => self.homes.enter(*enter, now, &mut out),
            Mail::Exit(exit) => self.homes.exit(&exit, now, &mut out),
            Mail::Named { room, user } => self.homes.named(&room, &user, now, &mut out),
            Mail::Unsure { room } => self.homes.unsure(&room, now, &mut out),
            Mail::Post(post) => self.homes.post(*post, now, &mut out),
            Mail::Recall(recall) => self.homes.recall(*recall, now, &mut out),
            Mail::Signal { room, user, signal, content } => {
                self.homes.signal(room, Signal { user, signal, content }, now, &mut out);
            }
            Mail::Entered(entered) => self.entered(*entered, now),
            Mail::Barred { to, room, tag, refusal } => self.barred(to, &room, tag, refusal, now),
            Mail::Told { room, event, heard } => {
                let heard = self.turn.since(heard, &event, now);
                self.audiences.tell(&room, &event, heard, &mut self.gateways);
                if let Some(trace) = heard.trace {
                    self.traces.note(trace, TraceStage::Told(self.audiences.members_of(&room)));
                }
            }
            Mail::Size { room, is_large } => self.note_size(room, is_large),
            Mail::Errand(errand) => self.run_errand(errand, now),
            Mail::Envelope { from, bytes } => self.open_envelope(from, &bytes, now, effects),
            Mail::Bid { bidding, from } => self.obey_application(&bidding, from, now),
            Mail::Replied { from, replied } => self.hear_reply(from, *replied, now),
            // Another node was told whether there was room for it.
            Mail::Decreed(decree) => drop(self.heed(&decree, now)),
            Mail::Bidden(bidding) => self.obey(&bidding, now, &mut out),
            Mail::Placed { trace, at } => self.traces.note(trace, TraceStage::Ordered(at)),
            Mail::Answer { to, event } => self.answer(to, &event, now),
            Mail::Came { party, session } => self.came(party, session),
            Mail::Went { party } => self.went(&party),
            Mail::TooMany { session } => self.is_too_many(session, now),
            Mail::Leaving { shard, clients, since } => self.heard_leaving(shard, clients, since, now),
        }
        self.mail.extend(out.drain(..));
        self.addressed = out;
    }

    pub(crate) fn send_mail(&mut self, to: ShardId, mail: Mail) {
        self.mail.push_back((to, mail));
    }
}
