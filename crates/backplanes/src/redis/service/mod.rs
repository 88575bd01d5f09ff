//! The thread that carries out what the machines want: connections to the brokers, queues to the shards, and a clock.

mod address;
mod cluster;
mod end;
mod inspect;
mod keys;
mod lines;
mod scripts;
mod secret;
mod wording;

#[cfg(test)]
mod congestion;
#[cfg(test)]
mod likeness;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chat::RoomId;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::oneshot;

use self::address::{Address, Trust, without_login};
use self::end::Delivery;
use self::lines::{Batch, Ends, Event, Gone, Publications};
use self::wording::Wording;
use super::broker::{Line, Request};
use super::machine::{Input, Machine, Outcome, TICK_MS};
use crate::{Arrival, Ask, Backplane, Health, Link, OpenError, Settings, Wake};

pub use self::inspect::{Condition, Inspection, check, inspect};
pub use self::secret::shared_secret;

/// What shards have asked and the service has not looked at.
const ASKS_MAX: usize = 64 * 1024;
/// What happened on lines and the service has not looked at.
const EVENTS_MAX: usize = 256;
/// Publications that the service has not looked at, in batches.
const HEARD_MAX: usize = 64;
/// Of any of these, taken in before anything is sent.
const AT_ONCE: usize = 1024;
/// How long a node that ends takes leave of its brokers. What it does not come to the other nodes do, once they notice.
const FAREWELL: Duration = Duration::from_secs(3);
/// Requests that go to a line together.
const BATCH: usize = 512;

/// Opens the backplane.
pub(crate) fn open(settings: &Settings, wakes: Vec<Wake>) -> Result<Box<dyn Link>, OpenError> {
    let trust = Trust::read(&settings.ca)?;
    let addresses: Vec<_> =
        settings.urls.iter().map(|url| Address::read(url, &trust)).collect::<Result<_, _>>()?;
    if addresses.is_empty() {
        return Err(OpenError("redis: it needs the URL of at least one Redis".to_owned()));
    }
    let (asks, asked) = channel(ASKS_MAX);
    let numbered = wakes.into_iter().zip(0..);
    let (ends, deliveries): (Vec<_>, Vec<_>) =
        numbered.map(|(wake, shard)| end::connect(shard, asks.clone(), wake)).unzip();
    let health = Arc::new(Mutex::new(Health {
        fault: Some("the broker was not reached yet".to_owned()),
        nodes: 1,
        ..Health::default()
    }));
    let (stop, stopped) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| OpenError(format!("redis: {error}")))?;
    let service_health = health.clone();
    let settings = settings.clone();
    let work = move || {
        runtime.block_on(async move {
            let service = Service::start(&settings, addresses, deliveries, service_health);
            service.work(asked, stopped).await;
        });
    };
    let thread = std::thread::Builder::new().name("backplane".to_owned()).spawn(work);
    let thread = thread.map_err(|error| OpenError(format!("redis: {error}")))?;
    let ends = ends.into_iter().map(Some).collect();
    Ok(Box::new(Redis { ends, health, stop: Some(stop), thread: Some(thread) }))
}

/// A node's link to its brokers.
struct Redis {
    ends: Vec<Option<end::End>>,
    health: Arc<Mutex<Health>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Link for Redis {
    fn end(&mut self, shard: u16) -> crate::End {
        let end = self.ends[shard as usize].take().expect("a shard has one end");
        Box::new(move || Box::new(end) as Box<dyn Backplane>)
    }

    fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Service {
    brokers: Vec<Broker>,
    events: Receiver<(usize, Event)>,
    heard: Receiver<Publications>,
    deliveries: Vec<Delivery>,
    started: Instant,
    /// What the machine that took the last step wants.
    outcome: Outcome,
    health: Arc<Mutex<Health>>,
}

/// One broker: its machine, and the lines to it.
struct Broker {
    /// Where it is, as logs may say it and as rooms are spread by.
    url: String,
    machine: Machine,
    commands: Outlet,
    listener: Outlet,
    /// Why a line is not there, if one is not.
    down: Option<Gone>,
    /// What is wrong with a part of it.
    partial: Option<String>,
}

/// Where the requests for a line go. A machine asks for no more than so much at a time, which bounds the queue.
struct Outlet {
    batches: UnboundedSender<Batch>,
    generation: u64,
    /// What was asked for in this turn.
    gathered: Vec<(u64, Request)>,
}

impl Service {
    fn start(
        settings: &Settings,
        addresses: Vec<Address>,
        deliveries: Vec<Delivery>,
        health: Arc<Mutex<Health>>,
    ) -> Self {
        let (events, happened) = channel(EVENTS_MAX);
        let (publications, heard) = channel(HEARD_MAX);
        let mut brokers = Vec::new();
        for ((number, address), url) in addresses.into_iter().enumerate().zip(&settings.urls) {
            let to_service =
                lines::Mouth { broker: number, events: events.clone(), publications: publications.clone() };
            let (commands, to_command) = unbounded_channel();
            let (listener, to_listen) = unbounded_channel();
            spawn(address, settings, to_service, to_command, to_listen);
            brokers.push(Broker {
                url: without_login(url),
                machine: Machine::new(settings, 0),
                commands: Outlet::new(commands),
                listener: Outlet::new(listener),
                down: None,
                partial: None,
            });
        }
        Self::new(brokers, happened, heard, deliveries, health)
    }

    fn new(
        brokers: Vec<Broker>,
        events: Receiver<(usize, Event)>,
        heard: Receiver<Publications>,
        deliveries: Vec<Delivery>,
        health: Arc<Mutex<Health>>,
    ) -> Self {
        let (started, outcome) = (Instant::now(), Outcome::default());
        Self { brokers, events, heard, deliveries, started, outcome, health }
    }

    async fn work(mut self, mut asked: Receiver<(u16, Ask)>, mut stopped: oneshot::Receiver<()>) {
        let mut tick = tokio::time::interval(Duration::from_millis(TICK_MS));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut asks, mut events) = (Vec::with_capacity(AT_ONCE), Vec::with_capacity(AT_ONCE));
        let mut has_shards = true;
        loop {
            // Shards that do not keep up are told no more of what is said, but of what they ask themselves.
            let hears = !self.deliveries.iter().any(Delivery::is_congested);
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                _ = tick.tick() => self.tick(),
                count = self.events.recv_many(&mut events, AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                }
                Some(publications) = self.heard.recv(), if hears => self.hear(publications),
                count = asked.recv_many(&mut asks, AT_ONCE), if has_shards => has_shards = count > 0,
            }
            while asks.len() < AT_ONCE
                && let Ok(ask) = asked.try_recv()
            {
                asks.push(ask);
            }
            for (broker, event) in events.drain(..) {
                self.take(broker, event);
            }
            asks.drain(..).for_each(|(shard, ask)| self.ask(shard, ask));
            self.send();
        }
        while let Ok((shard, ask)) = asked.try_recv() {
            self.ask(shard, ask);
        }
        // Whoever waits longer than this is waited for in vain.
        let _ = tokio::time::timeout(FAREWELL, self.take_leave()).await;
    }

    fn ask(&mut self, shard: u16, ask: Ask) {
        let broker = self.broker_of(&ask);
        self.step(broker, Input::Ask { shard, ask });
    }

    /// Tells the brokers that the node ends, for the others to see. Nothing arrives at the shards any more.
    async fn take_leave(&mut self) {
        (0..self.brokers.len()).for_each(|broker| self.step(broker, Input::Farewell));
        self.deliveries.clear();
        let mut tick = tokio::time::interval(Duration::from_millis(TICK_MS));
        loop {
            self.send();
            if self.brokers.iter().all(|broker| broker.machine.has_left()) {
                return;
            }
            tokio::select! {
                event = self.events.recv() => {
                    let Some((broker, event)) = event else { return };
                    self.take(broker, event);
                }
                _ = tick.tick() => self.tick(),
            }
        }
    }

    fn tick(&mut self) {
        for broker in 0..self.brokers.len() {
            self.step(broker, Input::Tick);
        }
        let mut told = Health::default();
        for broker in &self.brokers {
            let Health { fault, nodes, others, tally } = broker.machine.health();
            let because = |fault| match &broker.down {
                Some(reason) => format!("{fault}: {reason}"),
                None => fault,
            };
            let fault = broker.partial.clone().or_else(|| fault.map(because));
            told.fault = told.fault.or_else(|| fault.map(|fault| format!("{}: {fault}", broker.url)));
            told.nodes = told.nodes.max(nodes);
            told.others.extend(others);
            told.tally += tally;
        }
        told.others.sort_unstable();
        told.others.dedup();
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }

    fn take(&mut self, number: usize, event: Event) {
        let broker = &mut self.brokers[number];
        match event {
            Event::Up { line, run, generation } => {
                tracing::info!(broker = broker.url, ?line, "the broker is there");
                (broker.down, broker.partial) = (None, None);
                broker.outlet(line).renew(generation);
                self.step(number, Input::Up { line, run: run.into() });
            }
            Event::Cut { line, reason } => {
                if broker.down.is_none() {
                    tracing::warn!(broker = broker.url, ?line, reason, "the broker is gone");
                }
                broker.down = Some(reason);
                self.step(number, Input::Cut(line));
            }
            Event::Replies(replies) => {
                for (id, reply) in replies {
                    self.step(number, Input::Reply { id, reply });
                }
            }
            Event::Unheard(channels) => self.step(number, Input::Unheard(channels)),
            Event::Succeeded(gone) => {
                self.step(number, Input::Succeeded { gone_ms: gone.as_millis() as u64 });
            }
            Event::Partial(partial) => broker.partial = partial,
            Event::Switched => {
                tracing::info!(broker = broker.url, "another master has taken over");
                for line in [Line::Commands, Line::Listener] {
                    broker.outlet(line).gathered.push((0, Request::Redial(line)));
                }
            }
        }
    }

    /// What was heard on a listener that is gone is asked for again on the next.
    fn hear(&mut self, publications: Publications) {
        if publications.listener.strong_count() == 0 {
            return;
        }
        for (channel, what) in publications.heard {
            self.step(publications.broker, Input::Heard { channel, what });
        }
    }

    /// Lets a machine take a step, and gathers what it wants.
    fn step(&mut self, number: usize, input: Input) {
        let now_ms = self.started.elapsed().as_millis() as u64;
        let broker = &mut self.brokers[number];
        broker.machine.step(input, now_ms, &mut self.outcome);
        for (id, request) in self.outcome.requests.drain(..) {
            broker.outlet(request.line()).gathered.push((id, request));
        }
        for (shard, arrival) in self.outcome.arrivals.drain(..) {
            // What nodes tell each other goes by the first broker, so it is the one to say who is there.
            if number > 0 && matches!(arrival, Arrival::Nodes(_)) {
                continue;
            }
            // A node that ends has no shards any more.
            if let Some(delivery) = self.deliveries.get_mut(shard as usize) {
                delivery.put(arrival);
            }
        }
    }

    /// Ends the turn: what was asked for goes out at once, and what arrived.
    fn send(&mut self) {
        for broker in &mut self.brokers {
            broker.commands.send();
            broker.listener.send();
        }
        self.deliveries.iter_mut().for_each(Delivery::send);
    }

    /// The broker that an ask goes to: that of its room. What nodes tell each other goes by the first.
    fn broker_of(&self, ask: &Ask) -> usize {
        match ask {
            Ask::Attend(room) | Ask::Forsake(room) | Ask::Tell { room, .. } | Ask::Here { room, .. } => {
                self.broker_of_room(room)
            }
            Ask::Order(order) => self.broker_of_room(&order.room),
            Ask::Remember(opened) => self.broker_of_room(&opened.room),
            Ask::Send { .. } | Ask::SendAll { .. } | Ask::Proclaim { .. } | Ask::Reply { .. } => 0,
        }
    }

    /// Rooms are spread so that with one broker more or less only those of that one move (rendezvous hashing).
    fn broker_of_room(&self, room: &RoomId) -> usize {
        if self.brokers.len() == 1 {
            return 0;
        }
        let weight = |(number, broker): (usize, &Broker)| (weigh(&broker.url, room), number);
        self.brokers.iter().enumerate().map(weight).max().map_or(0, |(_, number)| number)
    }
}

/// Starts what keeps the lines to a broker.
fn spawn(
    address: Address,
    settings: &Settings,
    mouth: lines::Mouth,
    commands: UnboundedReceiver<Batch>,
    listener: UnboundedReceiver<Batch>,
) {
    match address {
        Address::Single(single) => {
            let (address, wording) = (Arc::new(single), Arc::new(Wording::new(settings)));
            let ends = |batches| Ends {
                address: address.clone(),
                wording: wording.clone(),
                batches,
                mouth: mouth.clone(),
            };
            tokio::spawn(lines::keep_commands(ends(commands)));
            tokio::spawn(lines::keep_listener(ends(listener)));
            tokio::spawn(lines::watch(address.clone(), mouth));
        }
        Address::Cluster(members) => {
            let (members, wording) = (Arc::new(members), Arc::new(Wording::sharded(settings)));
            tokio::spawn(cluster::keep(cluster::Ends { members, wording, commands, listener, mouth }));
        }
    }
}

impl Broker {
    fn outlet(&mut self, line: Line) -> &mut Outlet {
        match line {
            Line::Commands => &mut self.commands,
            Line::Listener => &mut self.listener,
        }
    }
}

impl Outlet {
    fn new(batches: UnboundedSender<Batch>) -> Self {
        Self { batches, generation: 0, gathered: Vec::new() }
    }

    /// The line is there again: what was asked for before is not asked any more.
    fn renew(&mut self, generation: u64) {
        self.gathered.clear();
        self.generation = generation;
    }

    fn send(&mut self) {
        while !self.gathered.is_empty() {
            let rest = self.gathered.split_off(self.gathered.len().min(BATCH));
            let requests = std::mem::replace(&mut self.gathered, rest);
            // A line ends only with the service.
            let _ = self.batches.send(Batch { generation: self.generation, requests });
        }
    }
}

/// The same on every node.
fn weigh(url: &str, room: &RoomId) -> u64 {
    let bytes = url.bytes().chain([0xFF, room.kind() as u8]).chain(room.name().bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}
