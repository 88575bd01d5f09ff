//! The payload of a close frame (RFC 6455 §5.5.1, §7.4).

use super::fault::{Breach, Fault};
use super::frame::MAX_CONTROL_BYTES;

/// The longest close reason in bytes: a control frame's payload without the code.
pub const MAX_REASON_BYTES: usize = MAX_CONTROL_BYTES - 2;

/// Whether a close code may be on the wire: those of RFC 6455 §7.4.1 and the IANA registry that are not mere local signs
/// (1005, 1006, 1015), and the ranges of §7.4.2 left to libraries (3000–3999) and applications (4000–4999).
pub fn is_sendable_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads a close frame's payload: nothing, or a code and a reason.
pub(super) fn read(payload: &[u8]) -> Result<Option<(u16, &str)>, Fault> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(Fault::Protocol(Breach::ShortClose)) };
    };
    let code = u16::from_be_bytes(*code);
    if !is_sendable_close_code(code) {
        return Err(Fault::Protocol(Breach::CloseCode));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| Fault::InvalidUtf8)?;
    Ok(Some((code, reason)))
}

/// As much of `reason` as a close frame holds, cut between characters.
pub(super) fn fitting(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)]
}
