//! What proxies say in the head of a request about who is behind them: `Forwarded` (RFC 7239) and its forerunners `X-Forwarded-For` and
//! `X-Forwarded-Proto`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::http::Head;

/// The header that proxies write. The other one is whoever's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`: addresses between commas; and `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Whom a request comes from that came from `peer`: each proxy that is `trusted` is believed about who is behind it, and no other.
pub fn client_of(head: &Head<'_>, by: ForwardedBy, peer: IpAddr, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer.to_canonical();
    if !trusted(client) {
        return client;
    }
    for hop in forwarded_for(head, by).into_iter().rev() {
        // One that its proxy does not tell is as far as we see (RFC 7239 §6.2, §6.3).
        let Some(hop) = hop else { break };
        client = hop.to_canonical();
        if !trusted(client) {
            break;
        }
    }
    client
}

/// The addresses that a request came by, the first one first; `None` for what is no address.
pub fn forwarded_for(head: &Head<'_>, by: ForwardedBy) -> Vec<Option<IpAddr>> {
    match by {
        ForwardedBy::XForwardedFor => head.list("x-forwarded-for").map(read_node).collect(),
        ForwardedBy::Forwarded => {
            let values =
                head.header_values("forwarded").map(|value| std::str::from_utf8(value).unwrap_or_default());
            values
                .flat_map(|value| outside_quotes(value, ','))
                .map(|element| parameter(element, "for").and_then(read_node))
                .collect()
        }
    }
}

/// Whether a client has come to the first proxy by `https`, as far as the proxies say.
pub fn forwarded_securely(head: &Head<'_>, by: ForwardedBy) -> bool {
    let first = match by {
        ForwardedBy::XForwardedFor => head.list("x-forwarded-proto").next(),
        ForwardedBy::Forwarded => {
            let value =
                head.header_values("forwarded").next().and_then(|value| std::str::from_utf8(value).ok());
            value.and_then(|value| parameter(outside_quotes(value, ',').next()?, "proto"))
        }
    };
    first.is_some_and(|protocol| protocol.eq_ignore_ascii_case("https"))
}

/// The value of one of the pairs in an element (RFC 7239 §4).
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let pairs = outside_quotes(element, ';').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(other, _)| other.trim().eq_ignore_ascii_case(name));
    match (named.next(), named.next()) {
        // Each parameter is there once (§4).
        (Some((_, value)), None) => Some(unquoted(value.trim())),
        _ => None,
    }
}

/// An address, perhaps with a port (RFC 7239 §6): one of IPv6 stands in brackets, or alone where nobody minds.
fn read_node(node: &str) -> Option<IpAddr> {
    if let Some(bracketed) = node.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let address = address.parse::<Ipv6Addr>().ok()?;
        return (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(address.into());
    }
    if let Ok(address) = node.parse::<IpAddr>() {
        return Some(address);
    }
    let (address, port) = node.split_once(':')?;
    address.parse::<Ipv4Addr>().ok().filter(|_| is_port(port)).map(IpAddr::from)
}

/// A number, or one that is kept to its proxy (§6.2, §6.3).
fn is_port(text: &str) -> bool {
    text.starts_with('_') || (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A quoted string without its quotes (RFC 9110 §5.6.4). No address has anything in it that needs a backslash.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// The parts between separators, but for those in quoted strings. One that does not end is all the rest.
fn outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let is_separator = move |c: char| {
        let was_escaped = std::mem::replace(&mut is_escaped, false);
        match c {
            _ if was_escaped => false,
            '\\' if is_quoted => {
                is_escaped = true;
                false
            }
            '"' => {
                is_quoted = !is_quoted;
                false
            }
            c => c == separator && !is_quoted,
        }
    };
    text.split(is_separator).map(str::trim)
}
