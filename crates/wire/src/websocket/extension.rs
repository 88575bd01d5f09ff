//! The negotiation of permessage-deflate (RFC 6455 §9.1, RFC 7692 §5 and §7.1).
//!
//! A server of ours always answers that neither side keeps its context from one message to the next: a compressed message
//! is then the same bytes for all that get it, and no connection owns a window.

use crate::deflate::WINDOW_BITS;

/// The extension's name (RFC 7692 §7).
const NAME: &str = "permessage-deflate";

const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// What was agreed on with permessage-deflate; no side takes its context over. Sizes are powers of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct DeflateParameters {
    /// The window that the server keeps to, if it was asked to (RFC 7692 §7.1.2.1).
    pub server_max_window_bits: Option<u8>,
    /// The window that the client keeps to, if it offered to (RFC 7692 §7.1.2.2).
    pub client_max_window_bits: Option<u8>,
}

impl DeflateParameters {
    /// The window for [`Deflater::compress`](crate::deflate::Deflater::compress) at a server, 9 to 15.
    pub fn server_window_bits(self) -> u8 {
        self.server_max_window_bits.unwrap_or(*WINDOW_BITS.end())
    }

    /// The window for [`Deflater::compress`](crate::deflate::Deflater::compress) at a client of ours, which offers no limit
    /// and so is held to none: 15.
    pub fn client_window_bits(self) -> u8 {
        self.client_max_window_bits.unwrap_or(*WINDOW_BITS.end())
    }

    /// The value of `Sec-WebSocket-Extensions` by which a server accepts (RFC 7692 §7.1).
    pub(super) fn write_acceptance(self, out: &mut Vec<u8>) {
        for part in [NAME, "; ", SERVER_NO_CONTEXT_TAKEOVER, "; ", CLIENT_NO_CONTEXT_TAKEOVER] {
            out.extend_from_slice(part.as_bytes());
        }
        write_bits(out, SERVER_MAX_WINDOW_BITS, self.server_max_window_bits);
        write_bits(out, CLIENT_MAX_WINDOW_BITS, self.client_max_window_bits);
    }
}

/// The value of `Sec-WebSocket-Extensions` by which a client of ours offers.
pub(super) const CLIENT_OFFER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// A `Sec-WebSocket-Extensions` value outside its grammar: the handshake fails (RFC 6455 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The first offer of permessage-deflate that can be accepted, in the client's order of preference (RFC 7692 §5). Offers
/// of other extensions, and those we must decline (RFC 7692 §7.1), are passed over.
pub(super) fn choose_offer<'a>(
    values: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<DeflateParameters>, Malformed> {
    let mut chosen = None;
    for extension in read_all(values) {
        let extension = extension?;
        if extension.name == NAME && chosen.is_none() {
            chosen = acceptable_offer(extension)?;
        }
    }
    Ok(chosen)
}

/// What a server's answer to [`CLIENT_OFFER`] agreed on; `Ok(None)` where it declined. Refuses what was not offered
/// (RFC 6455 §9.1, RFC 7692 §7.1).
pub(super) fn read_acceptance<'a>(
    values: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<DeflateParameters>, Malformed> {
    let mut extensions = read_all(values);
    let Some(extension) = extensions.next().transpose()? else { return Ok(None) };
    if extension.name != NAME || extensions.next().is_some() {
        return Err(Malformed);
    }
    let parameters = Parameters::read(extension)?.ok_or(Malformed)?;
    let bits = match parameters.server_max_window_bits {
        None => None,
        Some(value) => Some(value.ok_or(Malformed)?),
    };
    // Without the first the server may lean on earlier messages; the last may only answer an offer.
    if !parameters.server_no_context_takeover || parameters.client_max_window_bits.is_some() {
        return Err(Malformed);
    }
    Ok(Some(DeflateParameters { server_max_window_bits: bits, client_max_window_bits: None }))
}

/// The answer to one offer, or `None` to decline it. A window of 2^8 is declined where we would have to keep to it, and
/// echoed where the client does.
fn acceptable_offer(extension: Extension<'_>) -> Result<Option<DeflateParameters>, Malformed> {
    let Some(parameters) = Parameters::read(extension)? else { return Ok(None) };
    let server_max_window_bits = match parameters.server_max_window_bits {
        None => None,
        Some(Some(bits)) if WINDOW_BITS.contains(&bits) => Some(bits),
        Some(_) => return Ok(None),
    };
    // Offered without a value it says only that the client would heed one.
    let client_max_window_bits = parameters.client_max_window_bits.flatten();
    Ok(Some(DeflateParameters { server_max_window_bits, client_max_window_bits }))
}

/// The parameters of one permessage-deflate element. Of the windows: absent, without a value, or 8 to 15.
#[derive(Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<Option<u8>>,
    client_max_window_bits: Option<Option<u8>>,
}

impl Parameters {
    /// `None` where a parameter is unknown, repeated or has an invalid value (RFC 7692 §7.1).
    fn read(extension: Extension<'_>) -> Result<Option<Self>, Malformed> {
        let mut read = Self::default();
        let mut valid = true;
        for parameter in extension.parameters() {
            let (name, value) = parameter?;
            valid &= read.take(name, value).is_some();
        }
        Ok(valid.then_some(read))
    }

    fn take(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        match name {
            SERVER_NO_CONTEXT_TAKEOVER => set_flag(&mut self.server_no_context_takeover, value),
            CLIENT_NO_CONTEXT_TAKEOVER => set_flag(&mut self.client_no_context_takeover, value),
            SERVER_MAX_WINDOW_BITS => set_bits(&mut self.server_max_window_bits, value),
            CLIENT_MAX_WINDOW_BITS => set_bits(&mut self.client_max_window_bits, value),
            _ => None,
        }
    }
}

fn set_flag(flag: &mut bool, value: Option<&str>) -> Option<()> {
    (!std::mem::replace(flag, true) && value.is_none()).then_some(())
}

fn set_bits(slot: &mut Option<Option<u8>>, value: Option<&str>) -> Option<()> {
    let bits = match value {
        None => None,
        Some(value) => Some(window_bits(value)?),
    };
    slot.replace(bits).is_none().then_some(())
}

/// A decimal integer from 8 to 15 without leading zeros (RFC 7692 §7.1.2).
fn window_bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        _ if value.len() == 2 => value.parse().ok().filter(|bits| (10..=15).contains(bits)),
        _ => None,
    }
}

/// One element of the list: `token *( ";" token [ "=" ( token / quoted-string ) ] )`.
#[derive(Clone, Copy)]
struct Extension<'a> {
    name: &'a str,
    parameters: Option<&'a str>,
}

impl<'a> Extension<'a> {
    fn read(element: &'a str) -> Result<Self, Malformed> {
        let (name, parameters) = match element.split_once(';') {
            Some((name, parameters)) => (name, Some(parameters)),
            None => (element, None),
        };
        let extension = Self { name: token(name)?, parameters };
        extension.parameters().try_for_each(|parameter| parameter.map(drop))?;
        Ok(extension)
    }

    fn parameters(self) -> impl Iterator<Item = Result<(&'a str, Option<&'a str>), Malformed>> {
        self.parameters.into_iter().flat_map(|parameters| parameters.split(';')).map(|parameter| {
            match parameter.split_once('=') {
                None => Ok((token(parameter)?, None)),
                Some((name, value)) => Ok((token(name)?, Some(token(unquoted(trim(value)))?))),
            }
        })
    }
}

/// All elements of all header lines. A value's quoted form is a token too (RFC 6455 §9.1), so that no comma or semicolon
/// can hide in it.
fn read_all<'a>(
    values: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = Result<Extension<'a>, Malformed>> {
    values
        .flat_map(|value| value.split(|&byte| byte == b','))
        .filter(|element| !element.trim_ascii().is_empty())
        .map(|element| Extension::read(std::str::from_utf8(element).map_err(|_| Malformed)?))
}

fn token(text: &str) -> Result<&str, Malformed> {
    let text = trim(text);
    if is_token(text) { Ok(text) } else { Err(Malformed) }
}

/// RFC 9110 §5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn write_bits(out: &mut Vec<u8>, name: &str, bits: Option<u8>) {
    let Some(bits) = bits else { return };
    out.extend_from_slice(b"; ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'=');
    if bits >= 10 {
        out.push(b'1');
    }
    out.push(b'0' + bits % 10);
}
