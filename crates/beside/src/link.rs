//! The bridge's place between a node and its backplane: asks pass by it on their way out, arrivals on their way in.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::thread::JoinHandle;

use backplanes::{Arrival, Ask, Backplane, End, Health, Link, OpenError, Order, Wake};
use chat::{Author, Body, Position, RoomId};
use hashbrown::HashSet;
use slab::Slab;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{oneshot, watch};

use crate::between::{Down, Outgoing, Up};
use crate::bridge::Bridge;
use crate::url::Address;
use crate::{Settings, service};

/// What waits between a shard and the bridge, in either direction.
const WAITING_MAX: usize = 4096;
/// What a shard takes from the bridge in a turn.
const TAKEN_MAX: usize = 256;
/// Positions of messages told to others that are remembered, so that a post which is tried again is not told again.
const TOLD_MAX: usize = 4096;

/// Puts the bridge between a node and its backplane. Each of `wakes` wakes the shard of its place.
pub fn join(settings: &Settings, wakes: Vec<Wake>, inner: Box<dyn Link>) -> Result<Box<dyn Link>, OpenError> {
    let address = Address::read(&settings.url).ok_or_else(|| {
        OpenError(format!(
            "cannot join servers of Socket.IO at {:?}: expected redis://[[user]:password@]host[:port]",
            settings.url
        ))
    })?;
    let (up, from_shards) = mpsc::channel(WAITING_MAX);
    let (downs, ends): (Vec<_>, Vec<_>) = wakes.iter().map(|_| mpsc::channel(WAITING_MAX)).unzip();
    let (faults, fault) = watch::channel(Some("not connected yet".to_owned()));
    let (stop, stopped) = oneshot::channel();
    let shards = downs.into_iter().zip(wakes).collect();
    let place = service::Place { address, from_shards, shards, faults };
    let bridge = Bridge::new(settings);
    let thread = std::thread::Builder::new()
        .name("beside".to_owned())
        .spawn(move || service::run(bridge, place, stopped))
        .map_err(|error| OpenError(format!("the machine has no room for a thread: {error}")))?;
    let ends = ends.into_iter().map(Some).collect();
    let tells = (!settings.message.is_empty(), !settings.all.is_empty());
    Ok(Box::new(Joined { inner, up, ends, tells, fault, stop: Some(stop), thread: Some(thread) }))
}

/// A node's link that passes the bridge.
struct Joined {
    inner: Box<dyn Link>,
    up: Sender<Up>,
    ends: Vec<Option<Receiver<Down>>>,
    /// Whether messages in rooms, and those to everybody, have a name.
    tells: (bool, bool),
    fault: watch::Receiver<Option<String>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Link for Joined {
    fn end(&mut self, shard: u16) -> End {
        let inner = self.inner.end(shard);
        let from_bridge = self.ends[usize::from(shard)].take().expect("a shard has one end");
        let (up, tells) = (self.up.clone(), self.tells);
        Box::new(move || {
            let inner = inner();
            let to_bridge = Outgoing::new(up);
            let told = Told::default();
            Box::new(Passing { inner, shard, to_bridge, from_bridge, tells, asked: Slab::new(), told })
        })
    }

    fn health(&self) -> Health {
        let mut health = self.inner.health();
        let fault = || self.fault.borrow().as_ref().map(|fault| format!("beside Socket.IO: {fault}"));
        health.fault = health.fault.or_else(fault);
        health
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It has nothing more to say, whatever became of it.
            let _ = thread.join();
        }
    }
}

/// A shard's end that passes the bridge.
struct Passing {
    inner: Box<dyn Backplane>,
    shard: u16,
    to_bridge: Outgoing,
    from_bridge: Receiver<Down>,
    tells: (bool, bool),
    /// Orders under way, by the tickets that the backplane knows.
    asked: Slab<Asked>,
    told: Told,
}

/// An order under way.
struct Asked {
    /// The shard's own ticket; `None`: the message is from beside.
    ticket: Option<u64>,
    /// What others are told once it has its place.
    telling: Option<(RoomId, Author, Body)>,
}

impl Backplane for Passing {
    fn ask(&mut self, ask: Ask, arrivals: &mut Vec<Arrival>) {
        let ask = match ask {
            Ask::Reply { ticket, reply } => return self.to_bridge.send(Up::Replied(ticket, reply)),
            Ask::Proclaim { namespace, event, content } => {
                return self.to_bridge.send(Up::Proclaimed(namespace, event, content));
            }
            Ask::Order(order) => {
                let telling = self.is_told(&order.room);
                let telling = telling.then(|| (order.room.clone(), order.author.clone(), order.body.clone()));
                let asked = Asked { ticket: Some(order.ticket), telling };
                self.order(order, asked)
            }
            ask => ask,
        };
        match &ask {
            Ask::Attend(room) => self.to_bridge.send(Up::Attended(room.clone(), self.shard)),
            Ask::Forsake(room) => self.to_bridge.send(Up::Forsaken(room.clone())),
            Ask::Tell { room, signal } if !room.is_inbox() => {
                self.to_bridge.send(Up::Signalled(room.clone(), signal.clone()));
            }
            _ => {}
        }
        let start = arrivals.len();
        self.inner.ask(ask, arrivals);
        self.look_at(start, arrivals);
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) -> bool {
        self.to_bridge.go_on();
        let start = arrivals.len();
        let mut more = self.inner.collect(arrivals);
        self.look_at(start, arrivals);
        for taken in 0.. {
            if taken == TAKEN_MAX {
                more = true;
                break;
            }
            match self.from_bridge.try_recv() {
                Ok(Down::Arrival(arrival)) => arrivals.push(arrival),
                Ok(Down::Order(order)) => {
                    let ask = self.order(order, Asked { ticket: None, telling: None });
                    let start = arrivals.len();
                    self.inner.ask(ask, arrivals);
                    self.look_at(start, arrivals);
                }
                Err(_) => break,
            }
        }
        more
    }

    fn outlives_homes(&self) -> bool {
        self.inner.outlives_homes()
    }
}

impl Passing {
    /// Whether servers beside this node are told what is said in a room.
    fn is_told(&self, room: &RoomId) -> bool {
        if room.is_everybody() { self.tells.1 } else { room.is_public() && self.tells.0 }
    }

    fn order(&mut self, mut order: Order, asked: Asked) -> Ask {
        order.ticket = self.asked.insert(asked) as u64;
        Ask::Order(order)
    }

    /// Looks at what has come from the backplane: tells others what has its place now, gives tickets back, and keeps answers from the shard
    /// that it has not asked for.
    fn look_at(&mut self, start: usize, arrivals: &mut Vec<Arrival>) {
        let is_answer = |arrival: &Arrival| {
            matches!(arrival, Arrival::Ordered { .. } | Arrival::Placed { .. } | Arrival::Failed { .. })
        };
        if !arrivals[start..].iter().any(is_answer) {
            return;
        }
        let new = arrivals.split_off(start);
        arrivals.extend(new.into_iter().filter_map(|arrival| self.pass(arrival)));
    }

    fn pass(&mut self, arrival: Arrival) -> Option<Arrival> {
        match arrival {
            Arrival::Ordered { message, ticket } => {
                let Asked { ticket, telling } = self.asked.remove(ticket as usize);
                self.tell(telling);
                Some(match ticket {
                    Some(ticket) => Arrival::Ordered { message, ticket },
                    None => Arrival::Posted(message),
                })
            }
            Arrival::Placed { at, ticket } => {
                let Asked { ticket, telling } = self.asked.remove(ticket as usize);
                // Where homes put messages in order themselves, only what is said again is placed.
                let news = telling.filter(|_| self.inner.outlives_homes());
                let news = news.filter(|(room, ..)| self.told.note(room, at));
                self.tell(news);
                Some(Arrival::Placed { at, ticket: ticket? })
            }
            Arrival::Failed { refusal, ticket } => {
                let ticket = self.asked.remove(ticket as usize).ticket?;
                Some(Arrival::Failed { refusal, ticket })
            }
            other => Some(other),
        }
    }

    fn tell(&mut self, telling: Option<(RoomId, Author, Body)>) {
        if let Some((room, author, body)) = telling {
            self.to_bridge.send(Up::Posted(room, author, body));
        }
    }
}

/// The latest messages that others were told.
#[derive(Default)]
struct Told {
    positions: HashSet<(RoomId, Position)>,
    oldest_first: VecDeque<(RoomId, Position)>,
}

impl Told {
    /// Says whether it is news.
    fn note(&mut self, room: &RoomId, at: Position) -> bool {
        let told = (room.clone(), at);
        if !self.positions.insert(told.clone()) {
            return false;
        }
        self.oldest_first.push_back(told);
        if self.oldest_first.len() > TOLD_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.positions.remove(&oldest);
        }
        true
    }
}
