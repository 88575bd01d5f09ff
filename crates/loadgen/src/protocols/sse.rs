//! Server-sent events (docs/protocol.md): readers hold `GET /events/{room}` open, publishers send `POST
//! /rooms/{room}` on a kept-alive connection of their own and read nothing but the answers.

use memchr::memmem;

use super::{Client, Fault, Protocol, Seat, first_line, head_length, header, status};
use crate::stamp::Stamp;

pub(super) const PROTOCOL: Protocol =
    Protocol { name: "sse", publishers_read: false, joins_several: false, bears_tokens: false, open };

fn open(seat: &Seat) -> Box<dyn Client> {
    match seat.publishes {
        true => Box::new(Poster { seat: seat.clone() }),
        false => Box::new(Reader { seat: seat.clone(), body: None, events: Vec::new(), joined: false }),
    }
}

struct Reader {
    seat: Seat,
    body: Option<Body>,
    /// The part of an event that has come so far.
    events: Vec<u8>,
    joined: bool,
}

impl Client for Reader {
    fn greet(&mut self, out: &mut Vec<u8>) {
        let Seat { host, room, .. } = &self.seat;
        let request =
            format!("GET /events/{room} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n");
        out.extend_from_slice(request.as_bytes());
    }

    fn receive(&mut self, bytes: &[u8], seen: &mut Vec<Stamp>, _: &mut Vec<u8>) -> Result<usize, Fault> {
        let mut taken = 0;
        if self.body.is_none() {
            let Some(length) = head_length(bytes) else { return Ok(0) };
            self.body = Some(Body::of(&bytes[..length])?);
            taken = length;
        }
        if let Some(body) = &mut self.body {
            taken += body.read(&bytes[taken..], &mut self.events)?;
        }
        self.take_events(seen);
        Ok(taken)
    }

    fn is_open(&self) -> bool {
        self.joined
    }

    fn publish(&mut self, _: &Stamp, _: &mut Vec<u8>) {}
}

impl Reader {
    fn take_events(&mut self, seen: &mut Vec<Stamp>) {
        let mut taken = 0;
        while let Some(length) = memmem::find(&self.events[taken..], b"\n\n") {
            let event = &self.events[taken..taken + length];
            self.joined |= memmem::find(event, b"event: joined").is_some();
            seen.extend(Stamp::find(event));
            taken += length + 2;
        }
        self.events.drain(..taken);
    }
}

/// How the answer's body is delimited, RFC 9112 §6.
enum Body {
    UntilClose,
    /// So many bytes of the chunk are still to come, its line end included; 0: a size line comes next.
    Chunked(usize),
}

impl Body {
    fn of(head: &[u8]) -> Result<Self, Fault> {
        if status(head) != b"200" {
            return Err(Fault::new(format!("the request for events was answered with {}", first_line(head))));
        }
        match header(head, "transfer-encoding") {
            Some(_) => Ok(Self::Chunked(0)),
            None => Ok(Self::UntilClose),
        }
    }

    /// Moves the content to `content`; says how much was taken.
    fn read(&mut self, bytes: &[u8], content: &mut Vec<u8>) -> Result<usize, Fault> {
        let Self::Chunked(left) = self else {
            content.extend_from_slice(bytes);
            return Ok(bytes.len());
        };
        let mut taken = 0;
        loop {
            if *left == 0 {
                let Some(line) = memmem::find(&bytes[taken..], b"\r\n") else { return Ok(taken) };
                *left = chunk_size(&bytes[taken..taken + line])? + 2;
                taken += line + 2;
            }
            let here = (*left).min(bytes.len() - taken);
            let content_here = here.min(left.saturating_sub(2));
            content.extend_from_slice(&bytes[taken..taken + content_here]);
            *left -= here;
            taken += here;
            if taken == bytes.len() {
                return Ok(taken);
            }
        }
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, Fault> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let size =
        std::str::from_utf8(digits).ok().and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok());
    match size {
        Some(0) => Err(Fault::new("the server ended the events")),
        Some(size) => Ok(size),
        None => Err(Fault::new("the server sent a chunk without a size")),
    }
}

struct Poster {
    seat: Seat,
}

impl Client for Poster {
    fn greet(&mut self, _: &mut Vec<u8>) {}

    fn receive(&mut self, bytes: &[u8], _: &mut Vec<Stamp>, _: &mut Vec<u8>) -> Result<usize, Fault> {
        let mut taken = 0;
        while let Some(length) = head_length(&bytes[taken..]) {
            let head = &bytes[taken..taken + length];
            if status(head) != b"200" {
                return Err(Fault::new(format!("a post was answered with {}", first_line(head))));
            }
            let body = header(head, "content-length")
                .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
            let end = taken + length + body.unwrap_or(0);
            if end > bytes.len() {
                break;
            }
            taken = end;
        }
        Ok(taken)
    }

    fn is_open(&self) -> bool {
        true
    }

    fn publish(&mut self, stamp: &Stamp, out: &mut Vec<u8>) {
        let Seat { host, room, payload_bytes, .. } = &self.seat;
        let mut body = Vec::with_capacity(*payload_bytes);
        stamp.write(*payload_bytes, &mut body);
        let head = format!(
            "POST /rooms/{room} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&body);
    }
}

#[cfg(test)]
mod tests {
    use super::super::cuts::{at_every_cut, fault, seat, stamp};
    use super::*;

    fn events(payload: &str) -> String {
        format!(
            "event: joined\ndata: {{\"is\":\"joined\"}}\n\n:\n\nid: a:1\ndata: {{\"text\":\"{payload}\"}}\n\n"
        )
    }

    #[test]
    fn events_are_seen_at_every_cut_when_the_body_ends_with_the_connection() {
        let (stamp, payload) = stamp(1);
        let bytes = format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{}", events(&payload));
        let outcome = at_every_cut(|| open(&seat(false)), bytes.as_bytes());
        assert_eq!(outcome, (vec![stamp], vec![], true));
    }

    #[test]
    fn events_are_seen_at_every_cut_when_the_body_comes_in_chunks() {
        let (stamp, payload) = stamp(1);
        let mut bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
        for part in events(&payload).as_bytes().chunks(29) {
            bytes += &format!("{:x}\r\n{}\r\n", part.len(), String::from_utf8_lossy(part));
        }
        let outcome = at_every_cut(|| open(&seat(false)), bytes.as_bytes());
        assert_eq!(outcome, (vec![stamp], vec![], true));
    }

    #[test]
    fn a_post_is_a_request_and_its_answers_are_taken_at_every_cut() {
        let (stamp, payload) = stamp(4);
        let (mut client, mut out) = (open(&seat(true)), Vec::new());
        client.publish(&stamp, &mut out);
        let request = String::from_utf8(out).expect("a request is text");
        assert!(request.starts_with("POST /rooms/r7 HTTP/1.1\r\n"));
        assert!(request.ends_with(&format!("Content-Length: 40\r\n\r\n{payload}")));
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"at\":\"a:1\"}";
        assert_eq!(at_every_cut(|| open(&seat(true)), answer.repeat(2).as_bytes()), (vec![], vec![], true));
    }

    #[test]
    fn a_refused_post_a_refused_request_and_an_end_are_faults() {
        let refused = b"HTTP/1.1 503 Service Unavailable\r\n\r\n";
        assert_eq!(
            fault(open(&seat(true)), refused),
            "a post was answered with HTTP/1.1 503 Service Unavailable"
        );
        assert!(fault(open(&seat(false)), refused).starts_with("the request for events was answered with"));
        let ended = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(fault(open(&seat(false)), ended), "the server ended the events");
    }
}
