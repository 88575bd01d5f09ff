//! The kernel's floor: what a delivery costs when the server does nothing but deliver.
//!
//! One thread, one level-triggered epoll loop. It shakes hands, reads frames and sends each to everybody whose
//! request had the same path; the frames that a turn brought to a room leave in one `send` per member. Whoever asks
//! for no WebSocket gets the same few bytes for each request.
//!
//! It is honestly fast: nothing is allocated per frame or per member, frames are unmasked in place, and a turn
//! reads at most [`EVENTS_PER_TURN`] sockets, so that a room does not wait for a thousand others to be read.
//!
//! It deliberately lacks everything else: no check of UTF-8, of masking or of reserved bits, no fragments, no
//! pings, no limits beyond [`FRAME_MAX`], no slow-consumer policy (a backlog grows as it likes), no order shared
//! with anybody, no history, no time-outs, no logging. A server that does these things costs more; how much more
//! is what it is measured by.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};

use base64::Engine;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags};
use rustix::process::{Resource, Rlimit};
use sha1::{Digest, Sha1};

const EVENTS_PER_TURN: usize = 32;
const ACCEPTS_PER_TURN: usize = 32;
const READ_BYTES: usize = 64 * 1024;
const FRAME_MAX: usize = 1 << 20;
const LISTENER: u64 = u64::MAX;
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

fn main() -> io::Result<()> {
    let listen = std::env::args().skip_while(|arg| arg != "--listen").nth(1);
    let address: SocketAddr = listen.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        eprintln!("usage: floor --listen ADDRESS:PORT");
        std::process::exit(2)
    });
    raise_open_files()?;
    let mut floor = Floor::open(address)?;
    println!("listening on {address}");
    loop {
        floor.turn()?;
    }
}

fn raise_open_files() -> io::Result<()> {
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
    Ok(rustix::process::setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard })?)
}

struct Member {
    socket: OwnedFd,
    /// `None` until the handshake is done.
    room: Option<usize>,
    /// Where it stands in its room's list.
    seat: usize,
    /// The part of a frame or of a request that has arrived so far. Owns no memory when there is none.
    partial: Vec<u8>,
    /// What the socket did not take. Owns no memory when there is none.
    backlog: Vec<u8>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    /// The frames of this turn, ready to send.
    frames: Vec<u8>,
}

struct Floor {
    epoll: OwnedFd,
    listener: TcpListener,
    members: Vec<Option<Member>>,
    vacant: Vec<usize>,
    rooms: Vec<Room>,
    names: HashMap<Vec<u8>, usize>,
    /// The rooms that got frames in this turn.
    spoken: Vec<usize>,
    events: Vec<Event>,
    scratch: Vec<u8>,
}

impl Floor {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let listener = TcpListener::bind(address)?;
        rustix::net::listen(&listener, 4096)?;
        listener.set_nonblocking(true)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self {
            epoll,
            listener,
            members: Vec::new(),
            vacant: Vec::new(),
            rooms: Vec::new(),
            names: HashMap::new(),
            spoken: Vec::new(),
            events: Vec::with_capacity(EVENTS_PER_TURN),
            scratch: Vec::with_capacity(READ_BYTES + FRAME_MAX),
        })
    }

    /// Takes what has come, then writes once to each member of each room that was spoken in.
    fn turn(&mut self) -> io::Result<()> {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            match event.data.u64() {
                LISTENER => self.accept(),
                _ => self.serve(event.data.u64() as usize, event.flags),
            }
        }
        self.events = events;
        self.fan_out();
        Ok(())
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS_PER_TURN {
            let Ok(socket) = rustix::net::accept_with(&self.listener, SocketFlags::NONBLOCK) else { return };
            let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
            let id = self.vacant.pop().unwrap_or_else(|| {
                self.members.push(None);
                self.members.len() - 1
            });
            if epoll::add(&self.epoll, &socket, EventData::new_u64(id as u64), EventFlags::IN).is_err() {
                self.vacant.push(id);
                continue;
            }
            self.members[id] =
                Some(Member { socket, room: None, seat: 0, partial: Vec::new(), backlog: Vec::new() });
        }
    }

    fn serve(&mut self, id: usize, flags: EventFlags) {
        if flags.contains(EventFlags::OUT) {
            self.write_backlog(id);
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) && !self.read(id) {
            self.leave(id);
        }
    }

    /// Reads once and takes the whole frames; `false` when the member is to go.
    fn read(&mut self, id: usize) -> bool {
        let Some(member) = self.members[id].as_mut() else { return true };
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        bytes.append(&mut member.partial);
        member.partial = Vec::new();
        let received = match rustix::net::recv(&member.socket, spare_capacity(&mut bytes), RecvFlags::empty())
        {
            Ok((received, _)) => received > 0,
            Err(Errno::AGAIN | Errno::INTR) => true,
            Err(_) => false,
        };
        let taken = if received { self.take(id, &mut bytes) } else { None };
        if let (Some(taken), Some(member)) = (taken, self.members[id].as_mut()) {
            member.partial.extend_from_slice(&bytes[taken..]);
        }
        let stays = taken.is_some_and(|taken| bytes.len() - taken < FRAME_MAX);
        self.scratch = bytes;
        stays
    }

    /// How many bytes were taken; `None` when the member is to go.
    fn take(&mut self, id: usize, bytes: &mut [u8]) -> Option<usize> {
        let mut taken = 0;
        if self.members[id].as_ref()?.room.is_none() {
            match bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => taken = end + 4,
                None => return Some(0),
            }
            let Some(key) = websocket_key(&bytes[..taken]) else {
                let member = self.members[id].as_ref()?;
                return rustix::net::send(&member.socket, PLAIN_ANSWER, SendFlags::NOSIGNAL)
                    .ok()
                    .map(|_| taken);
            };
            self.shake_hands(id, &bytes[..taken], key)?;
        }
        let room = self.members[id].as_ref()?.room?;
        while let Some((header, length)) = frame_at(&bytes[taken..]) {
            let opcode = bytes[taken] & 0x0f;
            if opcode == 8 {
                return None;
            }
            if opcode == 1 || opcode == 2 {
                let (head, payload) = bytes[taken..taken + header + length].split_at_mut(header);
                self.post(room, opcode, payload, *head.last_chunk()?);
            }
            taken += header + length;
        }
        Some(taken)
    }

    fn shake_hands(&mut self, id: usize, request: &[u8], key: &[u8]) -> Option<()> {
        let path = request.split(|byte| *byte == b' ').nth(1)?;
        let digest =
            Sha1::new().chain_update(key).chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
        let accept = base64::engine::general_purpose::STANDARD.encode(digest);
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        let room = match self.names.get(path) {
            Some(room) => *room,
            None => {
                self.names.insert(path.to_vec(), self.rooms.len());
                self.rooms.push(Room::default());
                self.rooms.len() - 1
            }
        };
        let member = self.members[id].as_mut()?;
        rustix::net::send(&member.socket, answer.as_bytes(), SendFlags::NOSIGNAL).ok()?;
        member.room = Some(room);
        member.seat = self.rooms[room].members.len();
        self.rooms[room].members.push(id);
        Some(())
    }

    fn post(&mut self, room: usize, opcode: u8, payload: &mut [u8], mask: [u8; 4]) {
        unmask(payload, mask);
        let Room { frames, .. } = &mut self.rooms[room];
        if frames.is_empty() {
            self.spoken.push(room);
        }
        frames.push(0x80 | opcode);
        match payload.len() {
            short @ 0..126 => frames.push(short as u8),
            middle @ 126..0x1_0000 => {
                frames.push(126);
                frames.extend_from_slice(&(middle as u16).to_be_bytes());
            }
            long => {
                frames.push(127);
                frames.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        frames.extend_from_slice(payload);
    }

    fn fan_out(&mut self) {
        let mut gone = Vec::new();
        for room in self.spoken.drain(..) {
            let Room { members, frames } = &mut self.rooms[room];
            for id in members.iter() {
                let Some(member) = self.members[*id].as_mut() else { continue };
                if !write(&self.epoll, *id, member, frames) {
                    gone.push(*id);
                }
            }
            frames.clear();
        }
        gone.into_iter().for_each(|id| self.leave(id));
    }

    fn write_backlog(&mut self, id: usize) {
        let Some(member) = self.members[id].as_mut() else { return };
        match rustix::net::send(&member.socket, &member.backlog, SendFlags::NOSIGNAL) {
            Ok(sent) => drop(member.backlog.drain(..sent)),
            Err(Errno::AGAIN) => return,
            Err(_) => return self.leave(id),
        }
        if member.backlog.is_empty() {
            member.backlog = Vec::new();
            let _ = epoll::modify(&self.epoll, &member.socket, EventData::new_u64(id as u64), EventFlags::IN);
        }
    }

    fn leave(&mut self, id: usize) {
        let Some(member) = self.members[id].take() else { return };
        let _ = epoll::delete(&self.epoll, member.socket.as_fd());
        self.vacant.push(id);
        let Some(room) = member.room else { return };
        let members = &mut self.rooms[room].members;
        members.swap_remove(member.seat);
        if let Some(moved) = members.get(member.seat).and_then(|id| self.members[*id].as_mut()) {
            moved.seat = member.seat;
        }
    }
}

/// Sends, or queues behind what is queued; `false` when the member is gone.
fn write(epoll: &OwnedFd, id: usize, member: &mut Member, frames: &[u8]) -> bool {
    if !member.backlog.is_empty() {
        member.backlog.extend_from_slice(frames);
        return true;
    }
    let sent = match rustix::net::send(&member.socket, frames, SendFlags::NOSIGNAL) {
        Ok(sent) => sent,
        Err(Errno::AGAIN) => 0,
        Err(_) => return false,
    };
    if sent < frames.len() {
        member.backlog.extend_from_slice(&frames[sent..]);
        let both = EventFlags::IN | EventFlags::OUT;
        return epoll::modify(epoll, &member.socket, EventData::new_u64(id as u64), both).is_ok();
    }
    true
}

/// Lengths of the header and of the payload of a whole masked frame at the start, RFC 6455 §5.2.
fn frame_at(bytes: &[u8]) -> Option<(usize, usize)> {
    let (header, length): (usize, usize) = match bytes.get(1)? & 0x7f {
        126 => (8, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (14, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
        short => (6, usize::from(short)),
    };
    (bytes.len() >= header.checked_add(length)?).then_some((header, length))
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u32::from_ne_bytes(mask);
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        let plain = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]) ^ wide;
        word.copy_from_slice(&plain.to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask) {
        *byte ^= key;
    }
}

fn websocket_key(request: &[u8]) -> Option<&[u8]> {
    let lines = request.split(|byte| *byte == b'\n');
    lines.filter_map(|line| line.split_at_checked(18)).find_map(|(name, value)| {
        name.eq_ignore_ascii_case(b"sec-websocket-key:").then(|| value.trim_ascii())
    })
}
