//! Version 1 of the PROXY protocol: one line of text (§2.1).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use memchr::memmem;

use super::begins;
use super::fault::ProxyFault;

/// How every line begins.
pub(super) const BEGINNING: &[u8] = b"PROXY ";

/// The longest line with its end (§2.1).
const LINE_MAX: usize = 107;

pub(super) fn read(input: &[u8]) -> Result<Option<(Option<SocketAddr>, usize)>, ProxyFault> {
    if !begins(input, BEGINNING) {
        return Err(ProxyFault::Missing);
    }
    let bounded = &input[..input.len().min(LINE_MAX)];
    match memmem::find(bounded, b"\r\n") {
        Some(end) => Ok(Some((read_line(&bounded[BEGINNING.len()..end])?, end + 2))),
        None if bounded.len() == LINE_MAX => Err(ProxyFault::TooLong),
        None => Ok(None),
    }
}

/// What follows `PROXY `, without the line's end.
fn read_line(line: &[u8]) -> Result<Option<SocketAddr>, ProxyFault> {
    let line = std::str::from_utf8(line).map_err(|_| ProxyFault::Line)?;
    let mut words = line.split(' ');
    match words.next() {
        // Whatever follows is to be ignored.
        Some("UNKNOWN") => Ok(None),
        Some("TCP4") => read_ends::<Ipv4Addr>(words),
        Some("TCP6") => read_ends::<Ipv6Addr>(words),
        _ => Err(ProxyFault::Line),
    }
}

/// Both addresses, then both ports; the client's come first.
fn read_ends<'a, A>(mut words: impl Iterator<Item = &'a str>) -> Result<Option<SocketAddr>, ProxyFault>
where
    A: FromStr + Into<IpAddr>,
{
    let mut word = || words.next().ok_or(ProxyFault::Line);
    let (client, server) = (word()?.parse::<A>(), word()?.parse::<A>());
    let (port, server_port) = (read_port(word()?)?, read_port(word()?)?);
    match (client, server, server_port, words.next()) {
        (Ok(client), Ok(_), _, None) => Ok(Some(SocketAddr::new(client.into(), port))),
        _ => Err(ProxyFault::Line),
    }
}

/// Without zeroes in front, which some would read as octal.
fn read_port(word: &str) -> Result<u16, ProxyFault> {
    let is_plain = word == "0" || word.starts_with(|first: char| matches!(first, '1'..='9'));
    word.parse().ok().filter(|_| is_plain).ok_or(ProxyFault::Line)
}
