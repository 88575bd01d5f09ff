//! Listening sockets: one a shard and address, so that the kernel spreads new streams and shards share nothing.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, getsockname, ipproto, listen, socket_with, sockopt,
};

/// Where to listen.
#[derive(Debug)]
pub enum Listen {
    /// At an address.
    At(SocketAddr),
    /// On a socket that somebody else has opened: all shards take from its one queue.
    On(TcpListener),
}

impl Listen {
    /// Opens it, once for each shard. Returns the address with its port filled in.
    pub(crate) fn open(&self, shards: usize) -> io::Result<(SocketAddr, Vec<OwnedFd>)> {
        match self {
            Self::At(address) => bind_each(*address, shards),
            Self::On(listener) => share(listener, shards),
        }
    }

    /// What it is called where it cannot be opened.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::At(address) => address.to_string(),
            Self::On(listener) => format!("{listener:?}"),
        }
    }
}

/// Connections the kernel completes before they are accepted; it caps this at its own `somaxconn`.
const BACKLOG: i32 = 4096;

fn share(listener: &TcpListener, shards: usize) -> io::Result<(SocketAddr, Vec<OwnedFd>)> {
    listener.set_nonblocking(true)?;
    sockopt::set_tcp_nodelay(listener, true)?;
    let handles = (0..shards).map(|_| Ok(listener.try_clone()?.into()));
    Ok((listener.local_addr()?, handles.collect::<io::Result<_>>()?))
}

fn bind_each(address: SocketAddr, shards: usize) -> io::Result<(SocketAddr, Vec<OwnedFd>)> {
    // Sockets that share a port would share it with another server too, so one that does not share is tried first.
    let sole = bound(address, false)?;
    let address = SocketAddr::try_from(getsockname(&sole)?)?;
    drop(sole);
    let listeners = (0..shards).map(|_| {
        let listener = bound(address, true)?;
        listen(&listener, BACKLOG)?;
        Ok(listener)
    });
    Ok((address, listeners.collect::<io::Result<_>>()?))
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, shared)?;
    // Streams inherit it: what a turn gathered is sent at once.
    sockopt::set_tcp_nodelay(&socket, true)?;
    bind(&socket, &address)?;
    Ok(socket)
}
