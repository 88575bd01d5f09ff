//! Socket.IO 4 over the long-polling transport of Engine.IO 4, for readers: one kept-alive connection on which a poll waits, but for
//! the moments in which there is something to say. Publishers are on a WebSocket and read nothing that counts.

use memchr::memmem;

use super::socketio::{self, join_room};
use super::{Client, Fault, Protocol, Seat, first_line, head_length, header, status};
use crate::stamp::Stamp;

pub(super) const PROTOCOL: Protocol = Protocol {
    name: "socketio-polling",
    publishers_read: false,
    joins_several: false,
    bears_tokens: false,
    open,
};

/// What stands between the packets of a payload.
const SEPARATOR: &str = "\u{1e}";

fn open(seat: &Seat) -> Box<dyn Client> {
    match seat.publishes {
        true => socketio::open(seat),
        false => {
            Box::new(Poller { seat: seat.clone(), sid: String::new(), is_posting: false, joined: false })
        }
    }
}

struct Poller {
    seat: Seat,
    /// How the server calls the session, once it has said so.
    sid: String,
    /// The answer to come is one to a post, not to a poll.
    is_posting: bool,
    joined: bool,
}

impl Client for Poller {
    fn greet(&mut self, out: &mut Vec<u8>) {
        self.poll(out);
    }

    fn receive(&mut self, bytes: &[u8], seen: &mut Vec<Stamp>, out: &mut Vec<u8>) -> Result<usize, Fault> {
        let mut taken = 0;
        while let Some((body, length)) = answer_at(&bytes[taken..])? {
            taken += length;
            if std::mem::take(&mut self.is_posting) {
                self.poll(out);
            } else {
                self.take_payload(body, seen, out)?;
            }
        }
        Ok(taken)
    }

    /// The poll that waits has been sent along with this answer.
    fn is_open(&self) -> bool {
        self.joined
    }

    fn publish(&mut self, _: &Stamp, _: &mut Vec<u8>) {}
}

impl Poller {
    fn take_payload(
        &mut self,
        payload: &[u8],
        seen: &mut Vec<Stamp>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut say: Vec<String> = Vec::new();
        for packet in payload.split(|byte| SEPARATOR.as_bytes() == [*byte]) {
            match packet {
                [b'4', b'2', ..] => seen.extend(Stamp::find(packet)),
                [b'2', ..] => say.push("3".to_owned()),
                [b'0', open @ ..] => {
                    self.sid = sid(open)?;
                    say.push("40".to_owned());
                }
                [b'4', b'0', ..] => say.push(join_room(&self.seat)),
                [b'4', b'3', ..] => self.joined = true,
                [b'1', ..] | [b'4', b'1' | b'4', ..] => {
                    return Err(Fault::new(format!("the server sent {}", String::from_utf8_lossy(packet))));
                }
                _ => {}
            }
        }
        match &say[..] {
            [] => self.poll(out),
            packets => self.post(&packets.join(SEPARATOR), out),
        }
        Ok(())
    }

    fn poll(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head("GET").as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    fn post(&mut self, packet: &str, out: &mut Vec<u8>) {
        self.is_posting = true;
        out.extend_from_slice(self.head("POST").as_bytes());
        let rest = format!(
            "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{packet}",
            packet.len()
        );
        out.extend_from_slice(rest.as_bytes());
    }

    fn head(&self, method: &str) -> String {
        let sid = if self.sid.is_empty() { String::new() } else { format!("&sid={}", self.sid) };
        let host = &self.seat.host;
        format!("{method} /socket.io/?EIO=4&transport=polling{sid} HTTP/1.1\r\nHost: {host}\r\n")
    }
}

/// The body of the answer at the start, and the length of all of it, once it is there.
fn answer_at(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Fault> {
    let Some(body) = head_length(bytes) else { return Ok(None) };
    let head = &bytes[..body];
    if status(head) != b"200" {
        return Err(Fault::new(format!("a request was answered with {}", first_line(head))));
    }
    let length =
        header(head, "content-length").and_then(|length| std::str::from_utf8(length).ok()?.parse().ok());
    let Some(length) = length else { return Err(Fault::new("an answer does not say how long it is")) };
    let end = body.saturating_add(length);
    Ok(bytes.get(body..end).map(|body| (body, end)))
}

/// The name of the session in the open packet; servers write it without escapes.
fn sid(open: &[u8]) -> Result<String, Fault> {
    const MEMBER: &[u8] = br#""sid":""#;
    let named = memmem::find(open, MEMBER).map(|start| &open[start + MEMBER.len()..]);
    let name = named.and_then(|rest| rest.split(|byte| *byte == b'"').next());
    let name = name.and_then(|name| std::str::from_utf8(name).ok()).filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| Fault::new("the server opened a session without a name"))
}

#[cfg(test)]
mod tests {
    use super::super::cuts::{at_every_cut, fault, seat, stamp};
    use super::*;

    fn answer(body: &str) -> Vec<u8> {
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    }

    #[test]
    fn it_connects_joins_answers_pings_and_polls_again_at_every_cut() {
        let (stamp, payload) = stamp(1);
        let told = format!("430[{{}}]\u{1e}42[\"message\",{{\"userId\":\"m3\",\"message\":\"{payload}\"}}]");
        let connected = "40{\"sid\":\"d\"}\u{1e}2";
        let answers = [r#"0{"sid":"abc","upgrades":[]}"#, "ok", connected, "ok", &told, "2", "ok"];
        let (seen, out, is_open) = at_every_cut(|| open(&seat(false)), &answers.map(answer).concat());
        assert_eq!((seen, is_open), (vec![stamp], true));
        let head = |method: &str| {
            format!("{method} /socket.io/?EIO=4&transport=polling&sid=abc HTTP/1.1\r\nHost: h:1\r\n")
        };
        let poll = head("GET") + "\r\n";
        let post = |packet: &str| {
            let length = packet.len();
            let about = format!("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n");
            head("POST") + &about + packet
        };
        let join = post("420[\"joinRoom\",{\"room\":\"r7\"}]\u{1e}3");
        let expected =
            [&post("40"), &poll, &join, &poll, &poll, &post("3"), &poll].map(String::as_str).concat();
        assert_eq!(String::from_utf8(out).expect("it is text"), expected);
    }

    #[test]
    fn the_first_request_asks_for_a_session() {
        let (mut client, mut greeting) = (open(&seat(false)), Vec::new());
        client.greet(&mut greeting);
        let expected: &[u8] = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: h:1\r\n\r\n";
        assert_eq!(greeting, expected);
    }

    #[test]
    fn publishers_are_on_a_websocket() {
        let (mut client, mut greeting) = (open(&seat(true)), Vec::new());
        client.greet(&mut greeting);
        assert!(greeting.starts_with(b"GET /socket.io/?EIO=4&transport=websocket "));
    }

    #[test]
    fn a_session_that_is_over_and_answers_that_are_none_are_faults() {
        let unknown = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(
            fault(open(&seat(false)), unknown),
            "a request was answered with HTTP/1.1 400 Bad Request"
        );
        assert_eq!(fault(open(&seat(false)), &answer("1")), "the server sent 1");
        let endless = b"HTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(fault(open(&seat(false)), endless), "an answer does not say how long it is");
        assert_eq!(fault(open(&seat(false)), &answer("0{}")), "the server opened a session without a name");
    }
}
