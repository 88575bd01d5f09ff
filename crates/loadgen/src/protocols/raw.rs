//! Plain rooms: the path is the room, a message is a payload, both ways.

use super::websocket::WebSocket;
use super::{Client, Fault, Protocol, Seat};
use crate::stamp::Stamp;

pub(super) const PROTOCOL: Protocol =
    Protocol { name: "raw", publishers_read: true, joins_several: false, bears_tokens: true, open };

fn open(seat: &Seat) -> Box<dyn Client> {
    Box::new(Raw { socket: WebSocket::new(seat.member), seat: seat.clone() })
}

struct Raw {
    socket: WebSocket,
    seat: Seat,
}

impl Client for Raw {
    fn greet(&mut self, out: &mut Vec<u8>) {
        let bearer = self.seat.token.as_ref().map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
        self.socket.greet(&self.seat.host, &format!("/{}", self.seat.room), &headers, out);
    }

    fn receive(&mut self, bytes: &[u8], seen: &mut Vec<Stamp>, out: &mut Vec<u8>) -> Result<usize, Fault> {
        self.socket.receive(bytes, out, |_, message, _| {
            seen.extend(Stamp::find(message));
            Ok(())
        })
    }

    fn is_open(&self) -> bool {
        self.socket.is_open()
    }

    fn publish(&mut self, stamp: &Stamp, out: &mut Vec<u8>) {
        let mut payload = Vec::with_capacity(self.seat.payload_bytes);
        stamp.write(self.seat.payload_bytes, &mut payload);
        self.socket.send_text(&payload, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::cuts::{at_every_cut, fault, seat, stamp};
    use super::super::websocket::server::{answer, frame, unmasked};
    use super::*;
    use crate::frames::{BINARY, CLOSE, PING, TEXT};

    #[test]
    fn messages_are_seen_and_pings_answered_at_every_cut() {
        let [(one, first), (two, second)] = [1, 2].map(stamp);
        let long = format!("{second}{}", ".".repeat(200));
        let bytes =
            [answer(), frame(TEXT, &first), frame(PING, "still there?"), frame(BINARY, &long)].concat();
        let (seen, out, is_open) = at_every_cut(|| open(&seat(true)), &bytes);
        assert_eq!((seen, unmasked(&out), is_open), (vec![one, two], vec!["still there?".to_owned()], true));
    }

    #[test]
    fn the_room_is_the_path_and_a_post_is_the_payload() {
        let (stamp, payload) = stamp(1);
        let (mut client, mut greeting, mut post) = (open(&seat(true)), Vec::new(), Vec::new());
        client.greet(&mut greeting);
        assert!(greeting.starts_with(b"GET /r7 HTTP/1.1\r\nHost: h:1\r\n"));
        client.publish(&stamp, &mut post);
        assert_eq!(unmasked(&post), [payload]);
    }

    #[test]
    fn a_token_is_a_header_of_the_handshake() {
        let (mut client, mut greeting) =
            (open(&Seat { token: Some("a.b.c".to_owned()), ..seat(true) }), Vec::new());
        client.greet(&mut greeting);
        assert!(greeting.ends_with(b"\r\nAuthorization: Bearer a.b.c\r\n\r\n"));
    }

    #[test]
    fn a_refused_handshake_and_a_close_are_faults() {
        let refused = fault(open(&seat(false)), b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert_eq!(refused, "the handshake was answered with HTTP/1.1 503 Service Unavailable");
        let closed = [answer(), frame(CLOSE, "\u{3}\u{f}bye")].concat();
        assert_eq!(fault(open(&seat(false)), &closed), "closed with 783 bye");
    }
}
