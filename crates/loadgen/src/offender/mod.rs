//! Clients that ask for too much: what a flood is made of, one sort of offender at a time. They go on as long as they are told to, come back when
//! they are parted with, and take no offence at what they are told. They look around once in a millisecond.

mod one;
mod script;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;

use one::Offender;

/// The sorts of offenders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Offence {
    /// Say as much as they can.
    Posts,
    /// Join and leave rooms without end.
    Joins,
    /// Connect, shake hands and hang up.
    Connects,
    /// Send messages as long as any may be, and then longer ones.
    Frames,
    /// Send a request's head, byte after byte.
    Heads,
    /// Have much said to them and read none of it.
    Silence,
    /// Connect from an address of their own each, and say as much as they can.
    Addresses,
    /// Say who they are, and cannot prove it.
    Tokens,
}

/// What offenders are to do.
#[derive(Clone, Debug, Args)]
pub struct Wish {
    /// The server's address.
    #[arg(long, value_name = "ADDR:PORT")]
    pub target: SocketAddr,
    /// What they do.
    #[arg(long)]
    pub offence: Offence,
    /// How many there are at a time.
    #[arg(long, default_value_t = 50)]
    pub offenders: u32,
    /// The first address that they come from.
    #[arg(long, default_value = "127.0.1.1")]
    pub source: Ipv4Addr,
    /// For how many seconds.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Connections that were made.
    pub connections: u64,
    /// Of these, those that the server has ended.
    pub ended: u64,
    /// Connections that could not be made.
    pub refused: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Bytes that were read.
    pub read_bytes: u64,
}

/// How often they look around.
const LOOK: Duration = Duration::from_millis(1);

/// Offends until the time is up.
pub fn offend(wish: &Wish) -> io::Result<Account> {
    let seconds = Duration::try_from_secs_f64(wish.seconds).map_err(io::Error::other)?;
    let (start, mut account) = (Instant::now(), Account::default());
    let mut offenders: Vec<Offender> =
        (0..wish.offenders).map(|number| Offender::new(wish, number)).collect();
    while start.elapsed() < seconds {
        offenders.iter_mut().for_each(|offender| offender.act(&mut account));
        thread::sleep(LOOK);
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn offenders_come_back_when_they_are_parted_with() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let target = listener.local_addr().expect("it is bound");
        // Ends with the test's process.
        thread::spawn(move || listener.incoming().for_each(drop));
        for offence in Offence::value_variants() {
            let source = Ipv4Addr::new(127, 0, 1, 1);
            let wish = Wish { target, offence: *offence, offenders: 2, source, seconds: 0.1 };
            let account = offend(&wish).expect("the machine has sockets");
            let comes_back = account.connections > 2 || *offence == Offence::Silence;
            assert!(comes_back && account.refused == 0, "{offence:?}: {account:?}");
        }
    }
}
