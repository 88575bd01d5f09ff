//! Who is behind a proxy: the header that HAProxy's PROXY protocol puts in front of a connection ([`read_header`]), the headers that
//! proxies add to a request ([`forwarded_for`], [`forwarded_securely`]), and whom to believe ([`Network`]).
//!
//! Specifications: "The PROXY protocol, versions 1 & 2" of HAProxy, RFC 7239. Knows nothing of connections; addresses are values.

mod fault;
mod forwarded;
mod network;
mod v1;
mod v2;

use core::net::SocketAddr;

pub use self::fault::ProxyFault;
pub use self::forwarded::{ForwardedBy, client_of, forwarded_for, forwarded_securely};
pub use self::network::{NOT_A_NETWORK, Network};

/// The longest PROXY header that is read. What version 2 adds for its own ends (certificates and such) may be long, and is passed over.
pub const MAX_HEADER_BYTES: usize = 4096;

/// Reads the PROXY header at the start of a connection: the client that it names, and its length in bytes; `None` while it is not all
/// there. It names nobody when the proxy speaks for itself (`LOCAL`) or does not know (`UNKNOWN`, other families): then the connection's
/// own address holds (§2.1, §2.2).
pub fn read_header(input: &[u8]) -> Result<Option<(Option<SocketAddr>, usize)>, ProxyFault> {
    match input.first() {
        None => Ok(None),
        Some(first) if *first == v1::BEGINNING[0] => v1::read(input),
        Some(_) => v2::read(input),
    }
}

/// Whether the input begins as it has to, as far as it goes.
fn begins(input: &[u8], beginning: &[u8]) -> bool {
    let known = input.len().min(beginning.len());
    input[..known] == beginning[..known]
}
