//! The request target (RFC 9112 §3.2): origin-form, or absolute-form as every server must take it.

use super::fault::HttpFault;

pub(super) struct Target<'a> {
    /// Of an absolute-form target; it overrides the `Host` header (RFC 9112 §3.2.2).
    pub(super) authority: Option<&'a str>,
    /// Begins with `/`, percent-encoded as it came.
    pub(super) path: &'a str,
    /// What follows the first `?`.
    pub(super) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(super) fn read(target: &'a str) -> Result<Self, HttpFault> {
        // A fragment is never sent (RFC 9112 §3.2.1); other than visible ASCII is percent-encoded (RFC 3986 §2).
        if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(HttpFault::RequestLine);
        }
        if target.starts_with('/') {
            let (path, query) = split_query(target);
            return Ok(Self { authority: None, path, query });
        }
        let rest = after_scheme(target).ok_or(HttpFault::Target)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() || !is_host(authority.as_bytes()) {
            return Err(HttpFault::Target);
        }
        let (path, query) = split_query(rest);
        Ok(Self { authority: Some(authority), path: if path.is_empty() { "/" } else { path }, query })
    }
}

/// Whether `value` can be `uri-host [ ":" port ]` (RFC 9110 §7.2), by its characters; user information is not allowed
/// (RFC 9110 §4.2.4).
pub(super) fn is_host(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%[]:".contains(byte))
}

fn split_query(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

fn after_scheme(target: &str) -> Option<&str> {
    ["http://", "https://", "ws://", "wss://"].iter().find_map(|scheme| {
        let (head, rest) = target.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}
