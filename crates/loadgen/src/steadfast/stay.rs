//! The stay itself: sockets, the clock, and what is told on the standard input. What members say and what it means it does not know.

use std::io::{self, BufRead, Write};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventFlags};
use rustix::io::Errno;

use super::Wish;
use super::account::Account;
use super::books::Books;
use super::member::{Member, Name, Stage};
use super::speech::Told;
use crate::clock::{now_ns, own_cpu_ns, timespec};
use crate::protocols::Fault;
use crate::schedule::{Schedule, Timetable};
use crate::socket::{Got, READ_BYTES, Socket};

/// Said once all members are in, and posts are made from then on.
const ALL_IN: &str = "everybody is in";

/// Sockets served before looking at the clock again.
const EVENTS_PER_TURN: usize = 64;
/// Posts made before reading again.
const POSTS_PER_TURN: usize = 64;
/// Between two looks at who is to do something because of the time.
const LOOK_NS: u64 = 5_000_000;
/// Between two looks at whether everything has come.
const SETTLE_NS: u64 = 250_000_000;
/// Between two members that set out for the first time.
const OPEN_NS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// Lines of the standard input that nobody has looked at.
const NEWS_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Opening,
    Posting,
    /// Nothing more is posted; looked at next at this time, given up at that.
    Draining(u64, u64),
}

/// Has members stay until the standard input ends.
pub fn stay(wish: &Wish) -> io::Result<Account> {
    let mut crowd = Crowd::gather(wish)?;
    let news = listen();
    let mut events = Vec::with_capacity(EVENTS_PER_TURN);
    while !crowd.is_over(now_ns())? {
        crowd.take_news(&news, now_ns());
        crowd.advance(now_ns());
        events.clear();
        match epoll::wait(&crowd.epoll, spare_capacity(&mut events), Some(&timespec(LOOK_NS))) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        events.iter().for_each(|event| crowd.serve(event));
    }
    Ok(crowd.close())
}

/// What is told on the standard input. Its end is the end of the channel.
fn listen() -> Receiver<String> {
    let (tell, news) = sync_channel(NEWS_MAX);
    std::thread::spawn(move || {
        io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
    });
    news
}

struct Crowd<'w> {
    wish: &'w Wish,
    epoll: OwnedFd,
    members: Vec<Member>,
    sockets: Vec<Option<Socket>>,
    books: Books,
    schedule: Schedule,
    doing: Doing,
    look_ns: u64,
    /// When members set out to come back, ascending.
    returns_ns: Vec<u64>,
    posted_from_ns: u64,
    posted_until_ns: u64,
    cpu_ns: u64,
    scratch: Vec<u8>,
    told: Vec<Told>,
    out: Vec<u8>,
}

impl<'w> Crowd<'w> {
    fn gather(wish: &'w Wish) -> io::Result<Self> {
        let member = |number| {
            let room = format!("room-{}", number % wish.rooms);
            Member::new(Name { number, host: wish.target.to_string(), room, payload_bytes: wish.payload })
        };
        let mut members: Vec<_> = (0..wish.members()).map(member).collect();
        for (number, member) in (0..).zip(&mut members) {
            member.stage = Stage::Away(now_ns() + number * OPEN_NS);
        }
        Ok(Self {
            wish,
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            sockets: members.iter().map(|_| None).collect(),
            books: Books::new(wish.rooms, wish.members()),
            members,
            schedule: Schedule::new(timetable(wish, u64::MAX), Vec::new()),
            doing: Doing::Opening,
            look_ns: 0,
            returns_ns: Vec::new(),
            posted_from_ns: 0,
            posted_until_ns: 0,
            cpu_ns: 0,
            scratch: Vec::with_capacity(READ_BYTES),
            told: Vec::new(),
            out: Vec::new(),
        })
    }

    /// What is told on the standard input befalls the server now.
    fn take_news(&mut self, news: &Receiver<String>, now_ns: u64) {
        loop {
            match news.try_recv() {
                Ok(name) => self.books.note_fault(&name, now_ns),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.fall_silent(now_ns),
            }
        }
    }

    fn fall_silent(&mut self, now_ns: u64) {
        if matches!(self.doing, Doing::Draining(..)) {
            return;
        }
        self.books.end(now_ns);
        self.posted_until_ns = now_ns;
        self.cpu_ns = own_cpu_ns() - self.cpu_ns;
        self.doing = Doing::Draining(now_ns, now_ns + (self.wish.drain * 1e9) as u64);
    }

    /// Whether nothing more is to come, or has not come in time.
    fn is_over(&mut self, now_ns: u64) -> io::Result<bool> {
        match self.doing {
            Doing::Opening if self.members.iter().all(|member| member.stage == Stage::In) => {
                self.begin(now_ns)?;
                Ok(false)
            }
            Doing::Draining(look_ns, deadline_ns) if now_ns >= look_ns => {
                self.doing = Doing::Draining(now_ns + SETTLE_NS, deadline_ns);
                Ok(now_ns >= deadline_ns || self.has_everything())
            }
            _ => Ok(false),
        }
    }

    fn begin(&mut self, now_ns: u64) -> io::Result<()> {
        writeln!(io::stdout(), "{ALL_IN}")?;
        io::stdout().flush()?;
        self.books.begin(self.members.len(), now_ns);
        self.schedule = Schedule::new(timetable(self.wish, now_ns), (0..self.wish.publishers).collect());
        (self.doing, self.posted_from_ns, self.cpu_ns) = (Doing::Posting, now_ns, own_cpu_ns());
        Ok(())
    }

    fn has_everything(&self) -> bool {
        self.members.iter().all(|member| member.stage == Stage::In && member.is_content()) && {
            let found = self.books.settle();
            found.shown + found.told == found.expected
        }
    }

    /// What is to be done because of the time.
    fn advance(&mut self, now_ns: u64) {
        if self.doing == Doing::Posting {
            self.post_due(now_ns);
        }
        if now_ns >= self.look_ns {
            self.look_ns = now_ns + LOOK_NS;
            (0..self.members.len()).for_each(|place| self.tend(place, now_ns));
        }
    }

    fn post_due(&mut self, now_ns: u64) {
        for _ in 0..POSTS_PER_TURN {
            let Some(due) = self.schedule.take(now_ns) else { return };
            let stamp = self.books.note_post(due.publisher, due.intended_ns);
            let place = due.publisher as usize;
            self.members[place].post(stamp);
            self.speak(place, now_ns);
        }
    }

    fn tend(&mut self, place: usize, now_ns: u64) {
        match self.members[place].stage {
            Stage::Away(until_ns) if until_ns <= now_ns => self.set_out(place, now_ns),
            Stage::Away(_) => {}
            Stage::Coming | Stage::In => match self.members[place].is_forgotten(now_ns) {
                true => self.cut(place, &Fault::new("nothing was answered"), now_ns),
                false => self.speak(place, now_ns),
            },
        }
    }

    fn set_out(&mut self, place: usize, now_ns: u64) {
        let target = match self.doing {
            Doing::Opening => self.wish.target,
            Doing::Posting | Doing::Draining(..) => {
                self.returns_ns.push(now_ns);
                self.wish.elsewhere.unwrap_or(self.wish.target)
            }
        };
        match Socket::begin(&self.epoll, place as u64, target, None, None) {
            Ok(socket) => {
                self.sockets[place] = Some(socket);
                self.members[place].greet(now_ns, &mut self.out);
                self.send(place, now_ns);
            }
            Err(error) => self.cut(place, &Fault::new(error.to_string()), now_ns),
        }
    }

    fn speak(&mut self, place: usize, now_ns: u64) {
        self.members[place].speak(now_ns, &mut self.out);
        self.send(place, now_ns);
    }

    /// Sends what a member has said.
    fn send(&mut self, place: usize, now_ns: u64) {
        if self.out.is_empty() {
            return;
        }
        let sent = self.sockets[place].as_mut().map_or(Ok(()), |socket| socket.write(&self.epoll, &self.out));
        self.out.clear();
        if let Err(fault) = sent {
            self.cut(place, &fault, now_ns);
        }
    }

    fn serve(&mut self, event: &Event) {
        let place = event.data.u64() as usize;
        if let Err(fault) = self.exchange_bytes(place, event.flags) {
            self.out.clear();
            self.cut(place, &fault, now_ns());
        }
    }

    fn exchange_bytes(&mut self, place: usize, flags: EventFlags) -> Result<(), Fault> {
        let Some(socket) = &mut self.sockets[place] else { return Ok(()) };
        if flags.contains(EventFlags::OUT) {
            socket.write_more(&self.epoll, &[])?;
        }
        let has_ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if flags.contains(EventFlags::IN) || has_ended {
            self.read_all(place, has_ended)?;
        }
        Ok(())
    }

    /// Reads until there is nothing left, and to the very end when the server has hung up.
    fn read_all(&mut self, place: usize, has_ended: bool) -> Result<(), Fault> {
        loop {
            let Some(socket) = &mut self.sockets[place] else { return Ok(()) };
            let got = socket.read(&mut self.scratch)?;
            if got == Got::Nothing {
                return Ok(());
            }
            let now_ns = now_ns();
            let stands = self.books.place(place as u32);
            let taken =
                self.members[place].hear(&self.scratch, stands, now_ns, &mut self.told, &mut self.out);
            for told in self.told.drain(..) {
                self.books.note(place as u32, told, now_ns);
            }
            socket.keep(&self.scratch[taken?..]);
            self.speak(place, now_ns);
            if got == Got::All && !has_ended {
                return Ok(());
            }
        }
    }

    /// A connection is gone; the member sets out again after a pause.
    fn cut(&mut self, place: usize, fault: &Fault, now_ns: u64) {
        self.sockets[place] = None;
        self.members[place].cut(now_ns);
        self.books.note_cut(fault);
    }

    fn close(self) -> Account {
        let Wish { rooms, publishers, rate, .. } = *self.wish;
        let lasted_ns = self.posted_until_ns - self.posted_from_ns;
        let trials = self.members.iter().map(|member| member.trials);
        let (retries, unanswered) = trials.fold((0, 0), |(retries, unanswered), more| {
            (retries + more.retries, unanswered + more.unanswered)
        });
        Account {
            members: self.wish.members(),
            rooms,
            publishers,
            rate,
            seconds: lasted_ns as f64 / 1e9,
            retries,
            unanswered,
            returns: self.returns_ns.len() as u64,
            returns_in_a_second: most_within(&self.returns_ns, SECOND_NS),
            cpu_percent: 100.0 * self.cpu_ns as f64 / lasted_ns.max(1) as f64,
            ..self.books.close()
        }
    }
}

/// The most of ascending moments that lie within any so long a time.
fn most_within(moments_ns: &[u64], span_ns: u64) -> u64 {
    let mut first = 0;
    let counts = moments_ns.iter().enumerate().map(|(last, at_ns)| {
        while moments_ns[first] + span_ns <= *at_ns {
            first += 1;
        }
        last + 1 - first
    });
    counts.max().unwrap_or(0) as u64
}

fn timetable(wish: &Wish, start_ns: u64) -> Timetable {
    Timetable {
        start_ns,
        end_ns: u64::MAX,
        rate: wish.rate,
        publishers: wish.publishers,
        posts_each_max: u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::most_within;

    #[test]
    fn moments_are_counted_in_whatever_second_has_most_of_them() {
        assert_eq!(most_within(&[], 10), 0);
        assert_eq!(most_within(&[0, 5, 9, 10, 14, 30], 10), 4);
        assert_eq!(most_within(&[0, 10, 20], 10), 1);
    }
}
