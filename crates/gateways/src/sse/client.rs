//! A reader of a room's events, seen from the other side.

use chat::{Command, Resumption};
use wire::http::read_response_head;

use super::PREFIX;
use crate::client::{Client, Heard, Login, ServerFault};
use crate::client_answer::{WholeAnswer, write_start};
use crate::hearing;

/// An event is at most so many times as long as a message: base64, escapes, what stands around it.
const EVENT_BYTES_PER_MESSAGE_BYTE: usize = 8;
const MARGIN_BYTES: usize = 64 * 1024;

/// A reader of the login's room.
pub(crate) fn client(login: &Login) -> Option<Box<dyn Client>> {
    Some(Box::new(EventSource { login: login.clone(), phase: Phase::Opening }))
}

struct EventSource {
    login: Login,
    phase: Phase,
}

#[derive(Clone, Copy)]
enum Phase {
    Opening,
    Reading,
    Over,
}

impl Client for EventSource {
    fn open(&mut self, out: &mut Vec<u8>) {
        write_start(out, "GET", PREFIX, &self.login);
        out.extend_from_slice(b"Accept: text/event-stream\r\n");
        if let Some(since) = self.login.since {
            out.extend_from_slice(format!("Last-Event-ID: {since}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    fn receive(
        &mut self,
        input: &mut [u8],
        _: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
    ) -> Result<usize, ServerFault> {
        let mut taken = 0;
        while taken < input.len() {
            let step = match self.phase {
                Phase::Opening => self.read_answer(&input[taken..], heard)?,
                Phase::Reading => self.read_event(&input[taken..], heard)?,
                Phase::Over => input.len() - taken,
            };
            if step == 0 {
                break;
            }
            taken += step;
        }
        Ok(taken)
    }

    fn ask(&mut self, _: &Command, _: &mut Vec<u8>) -> bool {
        false
    }

    fn close(&mut self, _: &mut Vec<u8>) {}
}

impl EventSource {
    fn read_answer(&mut self, input: &[u8], heard: &mut Vec<Heard>) -> Result<usize, ServerFault> {
        let Some((head, length)) = read_response_head(input).map_err(ServerFault::new)? else { return Ok(0) };
        if head.status == 200 {
            if head.header("content-type") != Some("text/event-stream") || head.framing.is_some() {
                return Err(ServerFault::new("not a stream of events"));
            }
            self.phase = Phase::Reading;
            heard.push(Heard::Opened);
            return Ok(length);
        }
        let Some(answer) = WholeAnswer::read(input)? else { return Ok(0) };
        self.phase = Phase::Over;
        heard.push(Heard::Refused { tag: None, refusal: answer.refusal()? });
        heard.push(answer.closed());
        Ok(answer.length)
    }

    /// Reads one event, up to the empty line that ends it.
    fn read_event(&mut self, input: &[u8], heard: &mut Vec<Heard>) -> Result<usize, ServerFault> {
        let Some(end) = input.windows(2).position(|pair| pair == b"\n\n") else {
            let bytes_max = self.login.max_message_bytes.saturating_mul(EVENT_BYTES_PER_MESSAGE_BYTE);
            let is_short = input.len() <= bytes_max + MARGIN_BYTES;
            return if is_short { Ok(0) } else { Err(ServerFault::new("an event without end")) };
        };
        let text = std::str::from_utf8(&input[..end]).map_err(ServerFault::new)?;
        let fields = Fields::read(text)?;
        if let Some(data) = fields.data {
            heard.push(fields.event(hearing::read(data.as_bytes(), None)?)?);
        } else if text.starts_with(':') {
            heard.push(Heard::Pinged);
        }
        Ok(end + 2)
    }
}

/// The fields of one event.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<&'a str>,
    id: Option<&'a str>,
    data: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn read(event: &'a str) -> Result<Self, ServerFault> {
        let mut fields = Self::default();
        for line in event.split('\n').filter(|line| !line.starts_with(':')) {
            match line.split_once(": ") {
                Some(("event", kind)) => fields.kind = Some(kind),
                Some(("id", id)) => fields.id = Some(id),
                Some(("data", data)) if fields.data.is_none() => fields.data = Some(data),
                Some(("retry", delay)) if delay.parse::<u32>().is_ok() => {}
                _ => return Err(ServerFault::new(format_args!("a line that is no field: {line}"))),
            }
        }
        Ok(fields)
    }

    /// What was heard, if the fields around it say the same.
    fn event(&self, heard: Heard) -> Result<Heard, ServerFault> {
        let (kind, id) = match &heard {
            Heard::Posted(said) => (None, said.at),
            Heard::Joined { at, resumption: Resumption::Fresh, .. } => (Some("joined"), Some(*at)),
            Heard::Joined { .. } => (Some("joined"), None),
            Heard::Presence { .. } => (Some("presence"), None),
            Heard::Lost { at, .. } => (Some("lost"), Some(*at)),
            Heard::Closing(_) => (Some("closing"), None),
            other => return Err(ServerFault::new(format_args!("not for readers: {other:?}"))),
        };
        if self.kind != kind || self.id != id.map(|id| id.to_string()).as_deref() {
            return Err(ServerFault::new(format_args!("fields that do not fit {heard:?}")));
        }
        Ok(heard)
    }
}
