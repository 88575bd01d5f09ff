//! One non-blocking connection: connects, sends or queues, reads behind what was kept. It knows nothing of what the bytes say.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};
use rustls::ClientConfig;

use crate::line::{Line, Received};
use crate::protocols::Fault;

/// The room there is to receive in; a busy server's turn of joined frames fits.
pub(crate) const READ_BYTES: usize = 256 * 1024;
/// Edge-triggered: a socket that was read to its end need not be asked again. A hang-up is told of its own, since it
/// may come with the last bytes.
const READ: EventFlags = EventFlags::IN.union(EventFlags::RDHUP).union(EventFlags::ET);

/// What one attempt to read has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Nothing,
    /// Everything there was.
    All,
    /// As much as there was space for.
    Some,
}

/// A connection. It is closed with the value.
pub(crate) struct Socket {
    line: Line,
    id: u64,
    /// The start of something whose end has not come.
    partial: Vec<u8>,
    /// What the socket did not take; while there is any, the socket is watched for room.
    unsent: Vec<u8>,
}

impl Socket {
    /// Begins to connect, from `source` if there is one; under TLS if it is said how. That it is connected is told as room to send.
    pub(crate) fn begin(
        epoll: &OwnedFd,
        id: u64,
        target: SocketAddr,
        source: Option<Ipv4Addr>,
        tls: Option<&Arc<ClientConfig>>,
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
        Ok(Self { line: Line::new(socket, tls)?, id, partial: Vec::new(), unsent: Vec::new() })
    }

    /// Goes on once the socket takes bytes: what is queued, and `more` behind it.
    pub(crate) fn write_more(&mut self, epoll: &OwnedFd, more: &[u8]) -> Result<(), Fault> {
        let mut unsent = std::mem::take(&mut self.unsent);
        unsent.extend_from_slice(more);
        if self.send(&unsent)? {
            self.watch(epoll, READ)?;
        }
        Ok(())
    }

    /// Sends, or queues behind what is queued.
    pub(crate) fn write(&mut self, epoll: &OwnedFd, bytes: &[u8]) -> Result<(), Fault> {
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
        if !bytes.is_empty() {
            let sent = self.line.send(bytes).map_err(broken)?;
            self.unsent.extend_from_slice(&bytes[sent..]);
        }
        Ok(self.line.push().map_err(broken)? && self.unsent.is_empty())
    }

    /// Receives once into `scratch`, behind what was kept.
    pub(crate) fn read(&mut self, scratch: &mut Vec<u8>) -> Result<Got, Fault> {
        scratch.clear();
        scratch.append(&mut self.partial);
        scratch.reserve(READ_BYTES);
        match self.line.receive(scratch).map_err(broken)? {
            Received::End => Err(Fault::new("the server hung up")),
            Received::Bytes if self.line.is_secure() || scratch.len() == scratch.capacity() => Ok(Got::Some),
            Received::Bytes => Ok(Got::All),
            Received::Nothing => {
                self.partial.append(scratch);
                Ok(Got::Nothing)
            }
        }
    }

    /// Keeps what was read and cannot be understood without what is still to come.
    pub(crate) fn keep(&mut self, rest: &[u8]) {
        self.partial.extend_from_slice(rest);
    }

    /// Reads no more, as one does whose application has stopped.
    pub(crate) fn stall(&self, epoll: &OwnedFd) -> Result<(), Fault> {
        epoll::delete(epoll, &self.line.socket).map_err(|error| broken(error.into()))
    }

    fn watch(&self, epoll: &OwnedFd, flags: EventFlags) -> Result<(), Fault> {
        let data = EventData::new_u64(self.id);
        epoll::modify(epoll, &self.line.socket, data, flags).map_err(|error| broken(error.into()))
    }
}

fn broken(error: io::Error) -> Fault {
    Fault::new(error.to_string())
}
