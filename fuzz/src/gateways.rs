//! Every gateway of the list: a session makes the same of a stream however it is cut, answers with little and in its own protocol, and
//! whoever breaks that protocol is told so by a code that does not change.

use std::net::Ipv4Addr;

use chat::{Body, Command, Farewell, RoomId, RoomName};
use gateways::{
    Admission, CLIENTS, Client, GATEWAYS, Heard, Lane, Login, MAIN, Outbox, Protocol, SessionName, Settings,
    SocketIoSettings, Then,
};
use wire::http::{read_head, read_response_head};

use crate::course::{Course, End, TAIL_BYTES_MAX};
use crate::drive::cut;
use crate::input::Input;

/// Short enough to be reached.
const MESSAGE_BYTES_MAX: usize = 300;

/// For each byte that comes in, at most so many are answered: an empty object is refused with a sentence, and a compressed one may have
/// an id that is to be escaped.
const ANSWER_BYTES_PER_BYTE: usize = 64;
/// The shortest answer to a request, whose head is not counted, is longer than its body may be.
const ANSWER_BYTES_MIN: usize = 1024;
/// An answer to nothing: the first bytes of a session, or a file of the page.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

pub fn gateways(bytes: &[u8]) {
    let Some(Input { choice, sizes, stream }) = Input::read(bytes) else { return };
    let choice = Choice::read(choice);
    let Some((call, stream)) = choice.call(stream) else { return };
    let Some(visit) = choice.visit(&call, [stream]) else { return };
    for sizes in [sizes, &[1]] {
        let again = choice.visit(&call, cut(stream, sizes)).expect("it was let in before");
        assert_eq!(again.course, visit.course, "in pieces of {sizes:?}");
    }
    visit.judge(call.client, stream.len());
}

/// What the first byte of an input chooses.
#[derive(Clone, Copy)]
pub(crate) struct Choice {
    /// One of the list.
    pub(crate) gateway: usize,
    /// The request is at the start of the stream, not made by the gateway's own client.
    pub(crate) is_asked_by_stream: bool,
    pub(crate) deflate: bool,
}

impl Choice {
    fn read(byte: u8) -> Self {
        let (gateway, rest) = (usize::from(byte) % GATEWAYS.len(), usize::from(byte) / GATEWAYS.len());
        Self { gateway, is_asked_by_stream: rest & 1 == 1, deflate: rest & 2 == 2 }
    }

    pub(crate) fn write(self) -> u8 {
        let rest = usize::from(self.is_asked_by_stream) + 2 * usize::from(self.deflate);
        (rest * GATEWAYS.len() + self.gateway) as u8
    }

    /// A call at this gateway, and what is left of the stream.
    fn call<'a>(&self, stream: &'a [u8]) -> Option<(Call, &'a [u8])> {
        let dialled = if self.is_asked_by_stream { None } else { self.dial() };
        let (mut call, mut rest) = match dialled {
            Some(call) => (call, stream),
            None => {
                let (request, rest) = split_request(stream)?;
                (Call { request, further: None, client: None }, rest)
            }
        };
        let opened = self.admit(&call.request)?;
        if opened.session.is_some() && opened.out.then != Then::Stay {
            let (request, after) = split_request(rest)?;
            (call.further, rest) = (Some(request), after);
        }
        Some((call, rest))
    }

    /// A call of the gateway's own client that opens a session. Where opening does not, a post does.
    fn dial(&self) -> Option<Call> {
        let (_, dial) = CLIENTS[self.gateway];
        let mut client = dial(&self.login())?;
        let mut request = Vec::new();
        client.open(&mut request);
        let opened = self.admit(&request).expect("a client asks its own gateway");
        if opened.session.is_none() {
            hear(&mut *client, opened.out.bytes);
            request.clear();
            assert!(client.ask(&post(), &mut request), "who need not open can post");
        }
        let (_, length) = read_head(&request).expect("a client's request is right").expect("and whole");
        request.truncate(length);
        Some(Call { request, further: None, client: Some(client) })
    }

    fn login(&self) -> Login {
        Login {
            host: "fuzz.example".into(),
            room: room(),
            since: None,
            deflate: self.deflate,
            max_message_bytes: MESSAGE_BYTES_MAX,
            seed: 7,
        }
    }

    /// Lets the gateway look at a request; `None` when it is for another one.
    fn admit(&self, request: &[u8]) -> Option<Opened> {
        let settings = Settings {
            max_message_bytes: MESSAGE_BYTES_MAX,
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
            tokens: true,
            deflate: true,
            socketio: SocketIoSettings {
                namespaces: vec!["/side".to_owned()],
                judges: true,
                ..SocketIoSettings::default()
            },
        };
        let (_, open) = GATEWAYS[self.gateway];
        let (head, _) = read_head(request).ok()??;
        let (mut gateway, mut out) = (open(&settings), Outbox::default());
        let call = gateways::Call {
            head: &head,
            address: Ipv4Addr::LOCALHOST.into(),
            is_secure: false,
            name: &|| SessionName([7; SessionName::BYTES]),
        };
        let session = match gateway.admit(&call, &mut out) {
            Admission::NotMine => return None,
            Admission::Answered => None,
            Admission::Attach(_) => {
                gateway.refuse(&head, &mut out);
                None
            }
            Admission::Open(session) => Some(session),
        };
        Some(Opened { session, out })
    }

    /// A call, and what comes behind it; `None` when it is for another gateway.
    fn visit<'a>(&self, call: &Call, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<Visit> {
        let mut opened = self.admit(&call.request)?;
        let lane = opened.attach(call.further.as_deref());
        let session = opened.session.as_deref_mut().zip(lane);
        let course = session.map(|(session, lane)| Course::run(session, lane, pieces, TAIL_BYTES_MAX));
        Some(Visit { opened, course })
    }
}

fn split_request(stream: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (_, length) = read_head(stream).ok()??;
    let (request, rest) = stream.split_at(length);
    Some((request.to_vec(), rest))
}

/// What is asked of a gateway.
struct Call {
    request: Vec<u8>,
    /// On another stream, when the first one was answered and the session goes on.
    further: Option<Vec<u8>>,
    /// Who has asked, if that is known.
    client: Option<Box<dyn Client>>,
}

/// What a gateway has made of a request.
struct Opened {
    session: Option<Box<dyn Protocol>>,
    out: Outbox,
}

impl Opened {
    /// In which lane bytes come in now; `None` when none do.
    fn attach(&mut self, further: Option<&[u8]>) -> Option<Lane> {
        let session = self.session.as_mut()?;
        let Some(request) = further else { return Some(MAIN) };
        let (head, _) = read_head(request).expect("it was read before").expect("and was whole");
        let spread = session.spread().expect("a session without a stream may have others");
        assert!(spread.lingers(), "a session whose only stream is gone lingers, or is over");
        self.out = Outbox::default();
        spread.attach(&head, &mut self.out)
    }
}

/// A call that was let in, or answered at once.
struct Visit {
    opened: Opened,
    course: Option<Course>,
}

impl Visit {
    fn judge(self, client: Option<Box<dyn Client>>, given: usize) {
        let Self { opened: Opened { session, out }, course } = self;
        let (Some(mut session), Some(course)) = (session, course) else { return judge_answer(&out) };
        judge_size(&course, given);
        let mut said = out.bytes;
        said.extend_from_slice(&course.bytes);
        let farewell = take_leave(&mut *session, course.end, &mut said);
        assert!(said.len() <= ANSWER_BYTES_MAX + given * ANSWER_BYTES_PER_BYTE, "{} bytes said", said.len());
        if let Some(mut client) = client {
            judge_hearing(&hear(&mut *client, said), farewell);
        }
    }
}

fn judge_answer(out: &Outbox) {
    assert_ne!(out.then, Then::Stay, "a stream goes on after an answer, or is closed");
    let answer = read_response_head(&out.bytes).expect("what we write is right");
    assert!(answer.is_some() && out.commands.is_empty() && out.bytes.len() <= ANSWER_BYTES_MAX);
}

fn judge_size(course: &Course, given: usize) {
    let answered = course.bytes.len() + course.aside.values().map(|(bytes, _)| bytes.len()).sum::<usize>();
    assert!(answered <= ANSWER_BYTES_MIN + given * ANSWER_BYTES_PER_BYTE, "{answered} bytes for {given}");
    assert!(course.commands.len() + course.refusals.len() <= given, "a command is some bytes long");
    for command in &course.commands {
        if let Command::Post { body, .. } | Command::Direct { body, .. } = command {
            // The text may stand in the payload and beside it.
            assert!(body.len() <= 2 * MESSAGE_BYTES_MAX, "{} bytes in one message", body.len());
        }
    }
}

/// Parts with a session that is not over. Says how.
fn take_leave(session: &mut dyn Protocol, end: End, said: &mut Vec<u8>) -> Option<Farewell> {
    let farewell = match end {
        End::Over { .. } => return None,
        End::Open { .. } => Farewell::ServerRestart { delay_ms: 1 },
        End::Broken(violation) => {
            assert!(!violation.detail.is_empty());
            violation.farewell
        }
    };
    let is_known = |known: &Farewell| (known.code(), known.reason()) == (farewell.code(), farewell.reason());
    assert!(Farewell::ALL.iter().any(is_known), "{farewell:?} has a code of its own");
    let mut out = Outbox::default();
    if let End::Open { .. } = end {
        session.ping(&mut out);
    }
    session.part(farewell, &mut out);
    assert!(out.then == Then::Close || out.is_over, "after a farewell there is nothing more");
    assert!(out.commands.is_empty(), "a farewell asks for nothing");
    said.append(&mut out.bytes);
    Some(farewell)
}

/// A client that was parted with knows why: by the close code, or by the status of an answer.
fn judge_hearing(heard: &[Heard], farewell: Option<Farewell>) {
    let Some(farewell) = farewell else { return };
    let is_told = |heard: &Heard| match heard {
        Heard::Closing(told) => *told == farewell,
        Heard::Closed { code, .. } => *code == farewell.code() || (400..600).contains(code),
        _ => false,
    };
    assert!(heard.last().is_some_and(is_told), "{farewell:?} is not the last of {heard:?}");
}

/// What a client makes of all that is said to it.
fn hear(client: &mut dyn Client, mut said: Vec<u8>) -> Vec<Heard> {
    let (mut answer, mut heard) = (Vec::new(), Vec::new());
    let taken = client.receive(&mut said, &mut answer, &mut heard).expect("a server speaks its protocol");
    assert_eq!(taken, said.len(), "nothing is said in halves");
    heard
}

fn post() -> Command {
    let body = Body::text("hello");
    Command::Post { room: RoomId::public(room()), author: None, body, tag: None, reply: true }
}

fn room() -> RoomName {
    RoomName::new("lobby").expect("five letters are a name")
}
