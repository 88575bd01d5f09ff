//! Socket.IO 4 over the WebSocket transport of Engine.IO 4, as much as a room needs: the open packet, the default
//! namespace, pings, and events. A room is joined with the event `joinRoom {room}`, which the server acknowledges; a post
//! is the event `message {room,userId,message}`, of which the room is told `message {userId,message}`.

use super::websocket::WebSocket;
use super::{Client, Fault, Protocol, Seat};
use crate::stamp::Stamp;

pub(super) const PROTOCOL: Protocol =
    Protocol { name: "socketio", publishers_read: true, joins_several: false, bears_tokens: false, open };

pub(super) fn open(seat: &Seat) -> Box<dyn Client> {
    Box::new(SocketIo { socket: WebSocket::new(seat.member), seat: seat.clone(), joined: false })
}

struct SocketIo {
    socket: WebSocket,
    seat: Seat,
    joined: bool,
}

impl Client for SocketIo {
    fn greet(&mut self, out: &mut Vec<u8>) {
        self.socket.greet(&self.seat.host, "/socket.io/?EIO=4&transport=websocket", &[], out);
    }

    fn receive(&mut self, bytes: &[u8], seen: &mut Vec<Stamp>, out: &mut Vec<u8>) -> Result<usize, Fault> {
        let Self { socket, seat, joined } = self;
        socket.receive(bytes, out, |socket, packet, out| {
            match packet {
                [b'4', b'2', ..] => seen.extend(Stamp::find(packet)),
                [b'2', probe @ ..] => socket.send_text(&[b"3", probe].concat(), out),
                [b'0', ..] => socket.send_text(b"40", out),
                [b'4', b'0', ..] => socket.send_text(join_room(seat).as_bytes(), out),
                [b'4', b'3', ..] => *joined = true,
                [b'1', ..] | [b'4', b'1' | b'4', ..] => {
                    return Err(Fault::new(format!("the server sent {}", String::from_utf8_lossy(packet))));
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn is_open(&self) -> bool {
        self.joined
    }

    fn publish(&mut self, stamp: &Stamp, out: &mut Vec<u8>) {
        let Seat { room, member, payload_bytes, .. } = &self.seat;
        let mut packet =
            format!(r#"42["message",{{"room":"{room}","userId":"m{member}","message":""#).into_bytes();
        stamp.write(*payload_bytes, &mut packet);
        packet.extend_from_slice(br#""}]"#);
        self.socket.send_text(&packet, out);
    }
}

/// The packet that asks for the seat's room, to be acknowledged.
pub(super) fn join_room(seat: &Seat) -> String {
    format!(r#"420["joinRoom",{{"room":"{}"}}]"#, seat.room)
}

#[cfg(test)]
mod tests {
    use super::super::cuts::{at_every_cut, fault, seat, stamp};
    use super::super::websocket::server::{answer, frame, unmasked};
    use super::*;
    use crate::frames::TEXT;

    #[test]
    fn it_connects_joins_answers_pings_and_sees_events_at_every_cut() {
        let (stamp, payload) = stamp(1);
        let event = format!(r#"42["message",{{"userId":"m3","message":"{payload}"}}]"#);
        let packets = [r#"0{"sid":"a","pingInterval":25000}"#, r#"40{"sid":"b"}"#, "430[]", "2", &event];
        let bytes = [answer(), packets.map(|packet| frame(TEXT, packet)).concat()].concat();
        let (seen, out, is_open) = at_every_cut(|| open(&seat(true)), &bytes);
        assert_eq!((seen, is_open), (vec![stamp], true));
        assert_eq!(unmasked(&out), ["40", r#"420["joinRoom",{"room":"r7"}]"#, "3"]);
    }

    #[test]
    fn a_post_is_a_message_event() {
        let (stamp, payload) = stamp(2);
        let (mut client, mut out) = (open(&seat(true)), Vec::new());
        client.publish(&stamp, &mut out);
        let event = format!(r#"42["message",{{"room":"r7","userId":"m3","message":"{payload}"}}]"#);
        assert_eq!(unmasked(&out), [event]);
    }

    #[test]
    fn a_refused_namespace_is_a_fault() {
        let packet = r#"44{"message":"no"}"#;
        let bytes = [answer(), frame(TEXT, packet)].concat();
        assert_eq!(fault(open(&seat(true)), &bytes), format!("the server sent {packet}"));
    }
}
