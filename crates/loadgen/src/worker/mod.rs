//! One process of the generator: opens its members, posts by the timetable, reads everything, keeps the ledger.
//! One thread, one epoll loop, nothing allocated per message. What to do it is told by orders;
//! what came of it it tells in accounts.

mod books;
mod connection;
mod opening;

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustls::ClientConfig;

use self::books::Books;
use self::connection::{Connection, Stage};
use self::opening::Opening;
use crate::clock::{now_ns, own_cpu_ns, timespec};
use crate::exchange::{Account, Order, Plan};
use crate::protocols::{Fault, Protocol, named};
use crate::schedule::Schedule;
use crate::socket::{Got, READ_BYTES};
use crate::stamp::Stamp;

/// Sockets served before looking at the schedule again.
const EVENTS_PER_TURN: usize = 64;
/// Posts sent before reading again.
const POSTS_PER_TURN: usize = 64;
/// The time between accounts of progress.
const PROGRESS_NS: u64 = 250_000_000;
/// How long to look out for repetitions once everything is here.
const QUIET_NS: u64 = 100_000_000;
const ORDERS: u64 = u64::MAX;

/// What the worker is at.
enum Doing {
    Opening(Opening),
    /// All are in; the next order decides.
    Waiting,
    Publishing(Schedule),
    Draining {
        posted: Vec<u32>,
        quiet_ns: u64,
        deadline_ns: u64,
    },
}

/// One process's share of a run.
pub struct Worker<Orders, Accounts> {
    plan: Plan,
    protocol: &'static Protocol,
    /// How members speak TLS, if they do.
    tls: Option<Arc<ClientConfig>>,
    /// The members of this process.
    members: Vec<u32>,
    /// By place in `members`; opened in that order. `None` once broken.
    connections: Vec<Option<Connection>>,
    epoll: OwnedFd,
    doing: Doing,
    books: Books,
    progress_due_ns: u64,
    scratch: Vec<u8>,
    seen: Vec<Stamp>,
    out: Vec<u8>,
    orders: Orders,
    order_bytes: Vec<u8>,
    accounts: Accounts,
}

impl<Orders: AsFd, Accounts: Write> Worker<Orders, Accounts> {
    /// A worker that will hear `orders` and write `accounts`.
    pub fn new(plan: Plan, orders: Orders, accounts: Accounts) -> io::Result<Self> {
        let protocol = named(&plan.protocol).ok_or_else(|| io::Error::other("there is no such protocol"))?;
        let members: Vec<u32> = plan.layout.share(plan.process, plan.processes).collect();
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &orders, EventData::new_u64(ORDERS), EventFlags::IN)?;
        Ok(Self {
            protocol,
            tls: plan.tls.then(crate::line::tls),
            connections: Vec::with_capacity(members.len()),
            epoll,
            doing: Doing::Opening(Opening::new(plan.ramp_per_second, plan.opening_at_once, members.len())),
            books: Books::new(plan.layout, &members),
            members,
            plan,
            progress_due_ns: now_ns(),
            scratch: Vec::with_capacity(READ_BYTES),
            seen: Vec::new(),
            out: Vec::new(),
            orders,
            order_bytes: Vec::new(),
            accounts,
        })
    }

    /// Works until it is told to leave, or until nobody is there to tell it anything.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS_PER_TURN);
        loop {
            self.advance(now_ns())?;
            events.clear();
            let timeout = self.time_until_next(now_ns());
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timespec(timeout))) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                match event.data.u64() {
                    ORDERS if !self.take_orders()? => return Ok(()),
                    ORDERS => {}
                    id => self.serve(id as usize, event)?,
                }
            }
        }
    }

    /// What is to be done because of the time.
    fn advance(&mut self, now_ns: u64) -> io::Result<()> {
        match &mut self.doing {
            Doing::Opening(_) => self.open_more(now_ns)?,
            Doing::Publishing(_) => self.post_due(now_ns)?,
            Doing::Draining { posted, quiet_ns, deadline_ns } => {
                let complete = self.books.has_all(posted) && now_ns >= *quiet_ns;
                if complete || now_ns >= *deadline_ns {
                    let settlement = self.books.settle(posted);
                    self.doing = Doing::Waiting;
                    self.tell(&Account::Settled(Box::new(settlement)))?;
                }
            }
            Doing::Waiting => {}
        }
        self.books.look_at_the_clock(now_ns);
        if now_ns >= self.progress_due_ns {
            self.progress_due_ns = now_ns + PROGRESS_NS;
            let progress = self.books.progress();
            self.tell(&Account::Progress(progress))?;
        }
        Ok(())
    }

    fn time_until_next(&self, now_ns: u64) -> u64 {
        let next = match &self.doing {
            Doing::Opening(opening) => opening.next_ns(self.connections.len()),
            Doing::Publishing(schedule) => schedule.next_ns(),
            Doing::Draining { quiet_ns, deadline_ns, .. } if *quiet_ns <= now_ns => Some(*deadline_ns),
            Doing::Draining { quiet_ns, .. } => Some(*quiet_ns),
            Doing::Waiting => None,
        };
        let next = next.unwrap_or(u64::MAX).min(self.progress_due_ns).min(self.books.next_boundary_ns());
        next.saturating_sub(now_ns)
    }

    fn open_more(&mut self, now_ns: u64) -> io::Result<()> {
        while let Doing::Opening(opening) = &mut self.doing {
            if !opening.may_begin(self.connections.len(), now_ns) {
                return Ok(());
            }
            let member = self.members[self.connections.len()];
            let client = (self.protocol.open)(&self.plan.seat(member));
            let (target, source) = (self.plan.target(member), self.plan.source(member));
            let (id, tls) = (self.connections.len() as u64, self.tls.as_ref());
            match Connection::begin(&self.epoll, id, client, target, source, tls) {
                Ok(connection) => self.connections.push(Some(connection)),
                Err(error) => return self.fail(format!("a connection could not be made: {error}")),
            }
        }
        Ok(())
    }

    fn post_due(&mut self, now_ns: u64) -> io::Result<()> {
        let Doing::Publishing(schedule) = &mut self.doing else { return Ok(()) };
        for _ in 0..POSTS_PER_TURN {
            let Some(due) = schedule.take(now_ns) else { break };
            let stamp =
                Stamp { publisher: due.publisher, sequence: due.sequence, intended_ns: due.intended_ns };
            self.books.note_post(&stamp, self::now_ns());
            let place = ((due.publisher - self.plan.process) / self.plan.processes) as usize;
            let Some(connection) = &mut self.connections[place] else { continue };
            connection.client.publish(&stamp, &mut self.out);
            if let Err(fault) = connection.write(&self.epoll, &self.out) {
                self.books.note_break(&fault);
                self.connections[place] = None;
            }
            self.out.clear();
        }
        if schedule.next_ns().is_none() && now_ns >= self.books.end_ns() {
            self.doing = Doing::Waiting;
            let posted = self.books.posted();
            self.tell(&Account::Posted(posted))?;
        }
        Ok(())
    }

    fn serve(&mut self, place: usize, event: &Event) -> io::Result<()> {
        match self.exchange_bytes(place, event.flags) {
            Ok(true) => self.enter_room(),
            Ok(false) => Ok(()),
            Err(fault) => {
                self.connections[place] = None;
                match &self.doing {
                    Doing::Opening(_) => {
                        self.fail(format!("member {} could not join: {fault}", self.members[place]))
                    }
                    _ => {
                        self.books.note_break(&fault);
                        Ok(())
                    }
                }
            }
        }
    }

    /// Writes and reads; whether the member has come into its room by it.
    fn exchange_bytes(&mut self, place: usize, flags: EventFlags) -> Result<bool, Fault> {
        let Some(connection) = &mut self.connections[place] else { return Ok(false) };
        if flags.contains(EventFlags::OUT) {
            connection.write_more(&self.epoll)?;
        }
        let has_ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if flags.contains(EventFlags::IN) || has_ended {
            self.read_all(place, has_ended)?;
        }
        let Some(connection) = &mut self.connections[place] else { return Ok(false) };
        if connection.stage != Stage::Joining || !connection.client.is_open() {
            return Ok(false);
        }
        connection.stage = Stage::Open;
        if self.plan.layout.stalls(self.members[place]) {
            connection.stall(&self.epoll)?;
        }
        Ok(true)
    }

    /// Reads until there is nothing left, and to the very end when the server has hung up.
    fn read_all(&mut self, place: usize, has_ended: bool) -> Result<(), Fault> {
        let Some(connection) = &mut self.connections[place] else { return Ok(()) };
        self.out.clear();
        loop {
            let got = connection.read(&mut self.scratch)?;
            if got == Got::Nothing {
                return Ok(());
            }
            let now_ns = now_ns();
            let gaps = connection.client.gaps();
            let taken = connection.take(&self.epoll, &self.scratch, &mut self.seen, &mut self.out);
            self.books.gaps += connection.client.gaps() - gaps;
            self.books.enter(place, &self.seen, now_ns);
            self.seen.clear();
            taken?;
            if got == Got::All && !has_ended {
                return Ok(());
            }
        }
    }

    fn enter_room(&mut self) -> io::Result<()> {
        self.books.open += 1;
        let Doing::Opening(opening) = &mut self.doing else { return Ok(()) };
        if let Some((first_ns, last_ns)) = opening.one_more(now_ns()) {
            self.doing = Doing::Waiting;
            self.tell(&Account::Opened { first_ns, last_ns, cpu_ns: own_cpu_ns() })?;
        }
        Ok(())
    }

    /// Reads what the conductor wants; `false`: the work is over.
    fn take_orders(&mut self) -> io::Result<bool> {
        self.order_bytes.reserve(READ_BYTES);
        if rustix::io::read(&self.orders, spare_capacity(&mut self.order_bytes))? == 0 {
            return Ok(false);
        }
        while let Some(end) = memchr::memchr(b'\n', &self.order_bytes) {
            let order: Order = serde_json::from_slice(&self.order_bytes[..end])?;
            self.order_bytes.drain(..=end);
            if !self.obey(order) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn obey(&mut self, order: Order) -> bool {
        match order {
            Order::Publish { timetable, measure_from_ns } => {
                let publishers =
                    self.members.iter().copied().filter(|member| self.plan.layout.publishes(*member));
                self.doing = Doing::Publishing(Schedule::new(timetable, publishers.collect()));
                self.books.measure(measure_from_ns, timetable.end_ns);
            }
            Order::Settle { posted, drain_ns } => {
                let now_ns = now_ns();
                self.doing =
                    Doing::Draining { posted, quiet_ns: now_ns + QUIET_NS, deadline_ns: now_ns + drain_ns };
            }
            Order::Leave => return false,
        }
        true
    }

    fn fail(&mut self, why: String) -> io::Result<()> {
        self.doing = Doing::Waiting;
        self.tell(&Account::Failed(why))
    }

    fn tell(&mut self, account: &Account) -> io::Result<()> {
        let mut line = serde_json::to_vec(account)?;
        line.push(b'\n');
        self.accounts.write_all(&line)?;
        self.accounts.flush()
    }
}
