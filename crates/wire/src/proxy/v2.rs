//! Version 2 of the PROXY protocol: a binary block (§2.2).

use core::net::{IpAddr, SocketAddr};

use super::fault::ProxyFault;
use super::{MAX_HEADER_BYTES, begins};

/// How every block begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The signature, version and command, family and transport, and the length of what follows.
const FIXED_BYTES: usize = 16;

/// Two paths of sockets of the system.
const UNIX_BYTES: usize = 216;

/// The transport of a connection; others have datagrams.
const STREAM: u8 = 1;

/// What an extension has in front of its value: its type, and its length (§2.2, PP2_TLV).
const TLV_HEAD_BYTES: usize = 3;

/// Who opened the connection to us.
enum Origin {
    /// The proxy itself; the rest is to be ignored.
    Local,
    /// A client.
    Client,
}

pub(super) fn read(input: &[u8]) -> Result<Option<(Option<SocketAddr>, usize)>, ProxyFault> {
    if !begins(input, SIGNATURE) {
        return Err(ProxyFault::Missing);
    }
    let Some((fixed, rest)) = input.split_first_chunk::<FIXED_BYTES>() else { return Ok(None) };
    let [.., command, family, high, low] = *fixed;
    let origin = read_command(command)?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if FIXED_BYTES + length > MAX_HEADER_BYTES {
        return Err(ProxyFault::TooLong);
    }
    let Some(block) = rest.get(..length) else { return Ok(None) };
    let client = match origin {
        Origin::Local => None,
        Origin::Client => read_block(family, block)?,
    };
    Ok(Some((client, FIXED_BYTES + length)))
}

fn read_command(byte: u8) -> Result<Origin, ProxyFault> {
    match (byte >> 4, byte & 0xf) {
        (2, 0) => Ok(Origin::Local),
        (2, 1) => Ok(Origin::Client),
        (2, _) => Err(ProxyFault::Command),
        _ => Err(ProxyFault::Version),
    }
}

/// Addresses, the client's first, both ports, and extensions, which are passed over. Only those of a stream over IP tell where it comes from.
fn read_block(family: u8, block: &[u8]) -> Result<Option<SocketAddr>, ProxyFault> {
    let (client, extensions) = match family {
        0x11 | 0x12 => read_ends::<4>(block)?,
        0x21 | 0x22 => read_ends::<16>(block)?,
        0x31 | 0x32 => (None, block.get(UNIX_BYTES..).ok_or(ProxyFault::TooShort)?),
        // Of what is not known anything may follow.
        0x00 => return Ok(None),
        _ => return Err(ProxyFault::Family),
    };
    check_tlvs(extensions)?;
    Ok(client.filter(|_| family & 0xf == STREAM))
}

/// The client of a pair of addresses, and what follows their ports.
fn read_ends<const N: usize>(block: &[u8]) -> Result<(Option<SocketAddr>, &[u8]), ProxyFault>
where
    IpAddr: From<[u8; N]>,
{
    let ends = block.split_first_chunk::<N>().and_then(|(client, rest)| {
        let (ports, extensions) = rest.get(N..)?.split_first_chunk::<4>()?;
        Some((SocketAddr::new(IpAddr::from(*client), u16::from_be_bytes([ports[0], ports[1]])), extensions))
    });
    let (client, extensions) = ends.ok_or(ProxyFault::TooShort)?;
    Ok((Some(client), extensions))
}

/// Each is a type, a length and a value; the last ends with the block.
fn check_tlvs(mut rest: &[u8]) -> Result<(), ProxyFault> {
    while !rest.is_empty() {
        let length = rest.get(1..TLV_HEAD_BYTES).ok_or(ProxyFault::Tlv)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        rest = rest.get(TLV_HEAD_BYTES + length..).ok_or(ProxyFault::Tlv)?;
    }
    Ok(())
}
