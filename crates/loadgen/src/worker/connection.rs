//! One member's connection: a socket and the client that speaks on it. It knows nothing of the run.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::protocols::{Client, Fault};
use crate::socket::{Got, Socket};
use crate::stamp::Stamp;

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
    socket: Socket,
}

impl Connection {
    /// Begins to connect, from `source` if there is one; under TLS if it is said how.
    pub(super) fn begin(
        epoll: &OwnedFd,
        id: u64,
        client: Box<dyn Client>,
        target: SocketAddr,
        source: Option<Ipv4Addr>,
        tls: Option<&Arc<ClientConfig>>,
    ) -> io::Result<Self> {
        let socket = Socket::begin(epoll, id, target, source, tls)?;
        Ok(Self { client, stage: Stage::Connecting, socket })
    }

    /// Goes on once the socket takes bytes: greets when it is newly connected.
    pub(super) fn write_more(&mut self, epoll: &OwnedFd) -> Result<(), Fault> {
        let mut greeting = Vec::new();
        if self.stage == Stage::Connecting {
            self.stage = Stage::Joining;
            self.client.greet(&mut greeting);
        }
        self.socket.write_more(epoll, &greeting)
    }

    /// Sends, or queues behind what is queued.
    pub(super) fn write(&mut self, epoll: &OwnedFd, bytes: &[u8]) -> Result<(), Fault> {
        self.socket.write(epoll, bytes)
    }

    /// Receives once into `scratch`, behind what was kept.
    pub(super) fn read(&mut self, scratch: &mut Vec<u8>) -> Result<Got, Fault> {
        self.socket.read(scratch)
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
        self.socket.keep(&scratch[taken..]);
        if !out.is_empty() {
            self.write(epoll, out)?;
            out.clear();
        }
        Ok(())
    }

    /// Reads no more, as a member does whose application has stopped.
    pub(super) fn stall(&self, epoll: &OwnedFd) -> Result<(), Fault> {
        self.socket.stall(epoll)
    }
}
