//! One offender: a connection at a time, and the next one when that is over.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::script::Script;
use super::{Account, Offence, Wish};

/// What is read at once.
const READ_BYTES: usize = 64 * 1024;
/// Who comes from an address of its own each time has so many to choose from.
const ADDRESSES: u32 = 60_000;

pub(super) struct Offender {
    target: SocketAddr,
    /// Where it comes from next, and by how many addresses that moves on.
    source: Ipv4Addr,
    step: u32,
    script: Script,
    connection: Option<Connection>,
}

struct Connection {
    socket: OwnedFd,
    /// How much it has said, greeting included.
    said: usize,
}

impl Offender {
    pub(super) fn new(wish: &Wish, number: u32) -> Self {
        let step = if wish.offence == Offence::Addresses { wish.offenders } else { 0 };
        let source = Ipv4Addr::from(u32::from(wish.source) + if step > 0 { number } else { 0 });
        Self { target: wish.target, source, step, script: Script::of(wish.offence, number), connection: None }
    }

    /// Does what it does, once.
    pub(super) fn act(&mut self, account: &mut Account) {
        if self.connection.is_none() {
            match connect(self.target, self.source) {
                Ok(socket) => self.connection = Some(Connection { socket, said: 0 }),
                Err(_) => return account.refused += 1,
            }
            account.connections += 1;
        }
        let Some(connection) = self.connection.as_mut() else { return };
        let is_over = match connection.say(&self.script, account) {
            Ok(()) => {
                self.script.reads
                    && connection.hear(account).is_none_or(|heard| heard && self.script.hangs_up)
            }
            Err(_) => true,
        };
        if is_over {
            account.ended += u64::from(!self.script.hangs_up);
            self.connection = None;
            let moved = u32::from(self.source).wrapping_add(self.step);
            // Within 127.0.0.0/8.
            self.source =
                if self.step > 0 { Ipv4Addr::from(0x7f01_0000 + moved % ADDRESSES) } else { self.source };
        }
    }
}

impl Connection {
    /// Says a portion of what it has to say, as far as it is taken.
    fn say(&mut self, script: &Script, account: &mut Account) -> io::Result<()> {
        let mut left = script.portion.max(script.greeting.len().saturating_sub(self.said));
        while left > 0 {
            let part = match self.said.checked_sub(script.greeting.len()) {
                None => &script.greeting[self.said..],
                Some(_) if script.chorus.is_empty() => return Ok(()),
                Some(said) => &script.chorus[said % script.chorus.len()..],
            };
            let part = &part[..part.len().min(left)];
            match net::send(&self.socket, part, SendFlags::NOSIGNAL) {
                Ok(sent) => {
                    self.said += sent;
                    left -= sent;
                    account.sent_bytes += sent as u64;
                }
                // It is not connected yet, or not listened to.
                Err(Errno::AGAIN | Errno::NOTCONN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Says whether it was told something; `None`: the connection is over.
    fn hear(&self, account: &mut Account) -> Option<bool> {
        let mut heard = [0; READ_BYTES];
        match net::recv(&self.socket, &mut heard[..], RecvFlags::empty()) {
            Ok((0, _)) => None,
            Ok((length, _)) => {
                account.read_bytes += length as u64;
                Some(true)
            }
            Err(Errno::AGAIN | Errno::NOTCONN) => Some(false),
            Err(_) => None,
        }
    }
}

/// Begins to connect.
fn connect(target: SocketAddr, source: Ipv4Addr) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::IpBindAddressNoPort, &true)?;
    net::bind(&socket, &SocketAddrV4::new(source, 0))?;
    match net::connect(&socket, &target) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}
