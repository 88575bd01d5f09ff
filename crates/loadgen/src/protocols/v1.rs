//! The rich protocol, `heimdallr.v1.json` (docs/protocol.md): identify, join, post.

use memchr::memmem;

use super::websocket::{RICH, WebSocket};
use super::{Client, Fault, Protocol, Seat};
use crate::stamp::Stamp;

pub(super) const PROTOCOL: Protocol =
    Protocol { name: "v1", publishers_read: true, joins_several: true, bears_tokens: false, open };

fn open(seat: &Seat) -> Box<dyn Client> {
    Box::new(Rich {
        socket: WebSocket::new(seat.member),
        seat: seat.clone(),
        asked: false,
        told: Told::default(),
    })
}

struct Rich {
    socket: WebSocket,
    seat: Seat,
    asked: bool,
    told: Told,
}

/// What it was told beside posts.
#[derive(Default)]
struct Told {
    /// Rooms it has been let into.
    joined: u32,
    /// How often messages of a room were lost.
    gaps: u64,
}

impl Client for Rich {
    fn greet(&mut self, out: &mut Vec<u8>) {
        self.socket.greet(&self.seat.host, "/v1", &RICH, out);
    }

    fn receive(&mut self, bytes: &[u8], seen: &mut Vec<Stamp>, out: &mut Vec<u8>) -> Result<usize, Fault> {
        let Self { socket, seat, asked, told } = self;
        let taken = socket.receive(bytes, out, |_, message, _| match Stamp::find(message) {
            Some(stamp) => {
                seen.push(stamp);
                Ok(())
            }
            None => told.note(message),
        })?;
        if socket.is_open() && !*asked {
            *asked = true;
            let Seat { member, room, side_rooms, .. } = seat;
            socket.send_text(format!(r#"{{"do":"identify","user":"u{member}","id":"i"}}"#).as_bytes(), out);
            socket.send_text(format!(r#"{{"do":"join","room":"{room}","id":"j"}}"#).as_bytes(), out);
            for side in 1..=*side_rooms {
                let join = format!(r#"{{"do":"join","room":"{room}-{side}","id":"j"}}"#);
                socket.send_text(join.as_bytes(), out);
            }
        }
        Ok(taken)
    }

    fn is_open(&self) -> bool {
        self.told.joined > self.seat.side_rooms
    }

    fn gaps(&self) -> u64 {
        self.told.gaps
    }

    fn publish(&mut self, stamp: &Stamp, out: &mut Vec<u8>) {
        let Seat { room, payload_bytes, .. } = &self.seat;
        let mut post =
            format!(r#"{{"do":"post","room":"{room}","id":"p{}","text":""#, stamp.sequence).into_bytes();
        stamp.write(*payload_bytes, &mut post);
        post.extend_from_slice(br#""}"#);
        self.socket.send_text(&post, out);
    }
}

impl Told {
    /// Looks at what is not a post. Who is told of a gap stays: what is missing the ledger finds by itself.
    fn note(&mut self, message: &[u8]) -> Result<(), Fault> {
        let is = |kind: &[u8]| memmem::find(message, kind).is_some();
        if is(br#""is":"joined""#) {
            self.joined += 1;
        } else if is(br#""is":"lost""#) {
            self.gaps += 1;
        } else if is(br#""is":"refused""#) {
            return Err(Fault::new(String::from_utf8_lossy(message).into_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::cuts::{at_every_cut, fault, seat, stamp};
    use super::super::websocket::server::{answer, frame, unmasked};
    use super::*;
    use crate::frames::TEXT;

    const WELCOME: &str = r#"{"is":"welcome","id":"i","user":"u3"}"#;
    const JOINED: &str = r#"{"is":"joined","id":"j","room":"r7","at":"a:0","members":1}"#;
    const ACCEPTED: &str = r#"{"is":"accepted","id":"p1","at":"a:1"}"#;

    #[test]
    fn it_identifies_and_joins_and_sees_posts_at_every_cut() {
        let (stamp, payload) = stamp(1);
        let posted = format!(r#"{{"is":"posted","room":"r7","at":"a:1","user":"u3","text":"{payload}"}}"#);
        let texts = [WELCOME, JOINED, ACCEPTED, &posted].map(|text| frame(TEXT, text)).concat();
        let (seen, out, is_open) = at_every_cut(|| open(&seat(true)), &[answer(), texts].concat());
        assert_eq!((seen, is_open), (vec![stamp], true));
        let asked = [r#"{"do":"identify","user":"u3","id":"i"}"#, r#"{"do":"join","room":"r7","id":"j"}"#];
        assert_eq!(unmasked(&out), asked);
    }

    #[test]
    fn it_is_not_open_before_it_has_joined() {
        let bytes = [answer(), frame(TEXT, WELCOME)].concat();
        assert!(!at_every_cut(|| open(&seat(true)), &bytes).2);
    }

    #[test]
    fn it_is_open_once_it_is_in_all_of_its_rooms() {
        let seat = Seat { side_rooms: 2, ..seat(true) };
        let texts = |count: usize| [&answer()[..], &frame(TEXT, JOINED).repeat(count)].concat();
        let (_, out, is_open) = at_every_cut(|| open(&seat), &texts(3));
        let rooms: Vec<_> = unmasked(&out).split_off(1);
        let joins = ["r7", "r7-1", "r7-2"].map(|room| format!(r#"{{"do":"join","room":"{room}","id":"j"}}"#));
        assert_eq!((rooms, is_open), (joins.to_vec(), true));
        assert!(!at_every_cut(|| open(&seat), &texts(2)).2);
    }

    #[test]
    fn a_post_carries_the_room_an_id_and_the_payload_as_text() {
        let (stamp, payload) = stamp(9);
        let (mut client, mut out) = (open(&seat(true)), Vec::new());
        client.publish(&stamp, &mut out);
        assert_eq!(unmasked(&out), [format!(r#"{{"do":"post","room":"r7","id":"p9","text":"{payload}"}}"#)]);
    }

    #[test]
    fn who_is_told_of_a_gap_stays_and_counts_it() {
        let lost = r#"{"is":"lost","room":"r7","since":"a:1","at":"b:0"}"#;
        let mut client = open(&seat(true));
        let bytes = [answer(), frame(TEXT, JOINED), frame(TEXT, lost), frame(TEXT, lost)].concat();
        client.receive(&bytes, &mut Vec::new(), &mut Vec::new()).expect("no connection ends by it");
        assert_eq!((client.gaps(), client.is_open()), (2, true));
    }

    #[test]
    fn a_refusal_is_a_fault() {
        let refused = r#"{"is":"refused","id":"j","code":"room_full","retry":true}"#;
        assert_eq!(fault(open(&seat(true)), &[answer(), frame(TEXT, refused)].concat()), refused);
    }
}
