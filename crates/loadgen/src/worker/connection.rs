//! One member's connection: a non-blocking socket and the client that speaks on it. It knows nothing of the run.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

use crate::protocols::{Client, Fault};
use crate::stamp::Stamp;

/// Edge-triggered: a socket that was read to its end need not be asked again. A hang-up is told of its own, since it
/// may come with the last bytes.
const READ: EventFlags = EventFlags::IN.union(EventFlags::RDHUP).union(EventFlags::ET);

/// What one attempt to read has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Nothing,
    /// Everything there was.
    All,
    /// As much as there was space for.
    Some,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Joining,
    Open,
}

pub(super) struct Connection {
    pub(super) client: Box<dyn Client>,
    pub(super) stage: Stage,
    socket: OwnedFd,
    id: u64,
    /// The start of something whose end has not come.
    partial: Vec<u8>,
    /// What the socket did not take; while there is any, the socket is watched for room.
    unsent: Vec<u8>,
}

impl Connection {
    /// Begins to connect, from `source` if there is one.
    pub(super) fn begin(
        epoll: &OwnedFd,
        id: u64,
        client: Box<dyn Client>,
        target: SocketAddr,
        source: Option<Ipv4Addr>,
    ) -> io::Result<Self> {
        let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        if let Some(source) = source {
            // The port is chosen when connecting: only then is the whole of the port range there for each source.
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::IpBindAddressNoPort, &true)?;
            net::bind(&socket, &SocketAddrV4::new(source, 0))?;
        }
        match net::connect(&socket, &target) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        epoll::add(epoll, &socket, EventData::new_u64(id), READ | EventFlags::OUT)?;
        let stage = Stage::Connecting;
        Ok(Self { client, stage, socket, id, partial: Vec::new(), unsent: Vec::new() })
    }

    /// Goes on once the socket takes bytes: greets when it is newly connected.
    pub(super) fn write_more(&mut self, epoll: &OwnedFd) -> Result<(), Fault> {
        if self.stage == Stage::Connecting {
            self.stage = Stage::Joining;
            self.client.greet(&mut self.unsent);
        }
        let unsent = std::mem::take(&mut self.unsent);
        let sent = self.send(&unsent)?;
        if sent {
            self.watch(epoll, READ)?;
        }
        Ok(())
    }

    /// Sends, or queues behind what is queued.
    pub(super) fn write(&mut self, epoll: &OwnedFd, bytes: &[u8]) -> Result<(), Fault> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        if !self.send(bytes)? {
            self.watch(epoll, READ | EventFlags::OUT)?;
        }
        Ok(())
    }

    /// Whether all of it went; the rest is queued.
    fn send(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        if bytes.is_empty() {
            return Ok(true);
        }
        let sent = match net::send(&self.socket, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => sent,
            Err(Errno::AGAIN) => 0,
            Err(error) => return Err(broken(error)),
        };
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(self.unsent.is_empty())
    }

    /// Receives once into `scratch`, behind what was kept.
    pub(super) fn read(&mut self, scratch: &mut Vec<u8>) -> Result<Got, Fault> {
        scratch.clear();
        scratch.append(&mut self.partial);
        scratch.reserve(super::READ_BYTES);
        match net::recv(&self.socket, spare_capacity(scratch), RecvFlags::empty()) {
            Ok((0, _)) => Err(Fault::new("the server hung up")),
            Ok(_) if scratch.len() == scratch.capacity() => Ok(Got::Some),
            Ok(_) => Ok(Got::All),
            Err(Errno::AGAIN) => {
                self.partial.append(scratch);
                Ok(Got::Nothing)
            }
            Err(error) => Err(broken(error)),
        }
    }

    /// Lets the client take what was read, keeps the rest, and sends what it answers.
    pub(super) fn take(
        &mut self,
        epoll: &OwnedFd,
        scratch: &[u8],
        seen: &mut Vec<Stamp>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let taken = self.client.receive(scratch, seen, out)?;
        self.partial.extend_from_slice(&scratch[taken..]);
        if !out.is_empty() {
            self.write(epoll, out)?;
            out.clear();
        }
        Ok(())
    }

    /// Reads no more, as a member does whose application has stopped.
    pub(super) fn stall(&self, epoll: &OwnedFd) -> Result<(), Fault> {
        epoll::delete(epoll, &self.socket).map_err(broken)
    }

    fn watch(&self, epoll: &OwnedFd, flags: EventFlags) -> Result<(), Fault> {
        epoll::modify(epoll, &self.socket, EventData::new_u64(self.id), flags).map_err(broken)
    }
}

fn broken(error: Errno) -> Fault {
    Fault::new(io::Error::from(error).to_string())
}
