//! What holds of any bytes that come from a server beside us: what can be read can be written, and read again as the same.

use wire::socketio::Limits;
use wire::socketio::adapter::{Circle, Dialect, Letter};

const LIMITS: Limits = Limits { max_attachments: 3, max_bytes: 5000 };

/// A number can be longer in JSON than in MessagePack.
const WIDE: Limits = Limits { max_attachments: 3, max_bytes: usize::MAX };

/// Takes `bytes` for what came by a channel of either adapter.
pub(crate) fn obey(bytes: &[u8]) {
    for dialect in [Dialect::Classic, Dialect::Sharded] {
        let circle = Circle::new(dialect, "socket.io", "/", "us");
        let Some(first) = carry(&circle, bytes, &LIMITS) else { continue };
        assert!(bytes.len() <= LIMITS.max_bytes);
        assert_eq!(carry(&circle, &first, &WIDE), Some(first), "what is written is read");
    }
}

/// Reads and writes.
fn carry(circle: &Circle, bytes: &[u8], limits: &Limits) -> Option<Vec<u8>> {
    let letter = Letter::open(bytes, limits).ok()?;
    let message = circle.read(&letter).ok()?;
    assert!(letter.attachments().len() <= limits.max_attachments);
    Some(circle.write(&message.said, letter.attachments()).1)
}
