//! What holds of any bytes that come as Socket.IO: what can be read can be written, is the same when read again, and means
//! the same in MessagePack.

use std::borrow::Cow;

use wire::socketio::{Assembled, Connected, Decoder, Limits, Packet, Received, Rejection, msgpack};

/// Short, so that the bounds are met.
const LIMITS: Limits = Limits { max_attachments: 3, max_bytes: 2000 };

/// Without a bound on size: a number can be longer in JSON than in MessagePack.
pub(crate) const WIDE: Limits = Limits { max_attachments: 20, max_bytes: usize::MAX };

/// Takes `bytes` for the messages of a session, cut at 0xFF, which no text has; then for one message of MessagePack; then
/// for payloads.
pub(crate) fn obey(bytes: &[u8]) {
    let mut decoder = Decoder::new();
    for message in bytes.split(|&byte| byte == 0xFF) {
        let received = if decoder.is_waiting() {
            decoder.receive_binary(Cow::Borrowed(message), &LIMITS)
        } else {
            let Ok(text) = std::str::from_utf8(message) else { break };
            payloads_obey(text);
            decoder.receive_text(text, &LIMITS)
        };
        match received {
            Ok(Received::Packet(packet)) => packet_obeys(&packet, &[]),
            Ok(Received::Assembled(assembled)) => assembled_obeys(&assembled),
            Ok(Received::Part) => assert!(decoder.is_waiting()),
            Err(_) => break,
        }
    }
    if let Ok(assembled) = msgpack::read(bytes, &LIMITS) {
        packet_obeys(&assembled.packet(), assembled.attachments());
        let carried = carry(&assembled.packet(), assembled.attachments());
        assert_eq!(carried.packet(), assembled.packet());
        assert_eq!(carried.attachments(), assembled.attachments());
    }
}

fn assembled_obeys(assembled: &Assembled) {
    let attachments = assembled.attachments();
    assert!(attachments.len() <= LIMITS.max_attachments);
    assert!(attachments.iter().map(Vec::len).sum::<usize>() <= LIMITS.max_bytes);
    assert_eq!(assembled.packet().attachments(), attachments.len());
    packet_obeys(&assembled.packet(), attachments);
}

fn packet_obeys(packet: &Packet<'_>, attachments: &[Vec<u8>]) {
    assert!(packet.namespace.starts_with('/') && !packet.namespace.contains(','));
    let text = written(packet);
    assert_eq!(Packet::read(&text, attachments.len()).as_ref(), Ok(packet));
    let carried = carry(packet, attachments);
    assert_eq!(carried.packet().attachments(), attachments.len());
    assert_eq!(carry(&carried.packet(), carried.attachments()), carried);
}

/// The text of a packet.
pub(crate) fn written(packet: &Packet<'_>) -> String {
    let mut out = b"before".to_vec();
    packet.write(&mut out);
    String::from_utf8(out.split_off(6)).expect("JSON is text")
}

/// Through MessagePack and back.
pub(crate) fn carry(packet: &Packet<'_>, attachments: &[Vec<u8>]) -> Assembled {
    let mut out = Vec::new();
    msgpack::write(packet, attachments, &mut out);
    msgpack::read(&out, &WIDE).expect("what is written is read")
}

fn payloads_obey(text: &str) {
    if let Ok(connected) = Connected::read(text) {
        let mut out = Vec::new();
        connected.write(&mut out);
        let written = String::from_utf8(out).expect("JSON is text");
        assert_eq!(Connected::read(&written), Ok(connected));
    }
    let rejection = Rejection::read(text);
    let mut out = Vec::new();
    rejection.write_message(&mut out);
    let message = String::from_utf8(out).expect("JSON is text");
    assert_eq!(Rejection::read(&message).message, rejection.message);
}
