//! A line between a gateway and its own client: what one writes the other is given, whole or in pieces.

use std::net::{IpAddr, Ipv4Addr};

use chat::{Command, Event, RoomName};
use gateways::{
    Admission, CLIENTS, Call, Client, GATEWAYS, Gateway, Heard, Login, Outbox, Protocol, SessionName,
    Settings, SocketIoSettings, Then, Violation,
};
use wire::http::Head;

/// How long the next piece is.
pub(crate) type Cut = Box<dyn FnMut() -> usize>;

pub(crate) fn settings() -> Settings {
    Settings {
        max_message_bytes: 65_536,
        ping_interval_ms: 25_000,
        ping_timeout_ms: 20_000,
        tokens: false,
        deflate: true,
        socketio: SocketIoSettings { namespaces: vec!["/side".into()], ..SocketIoSettings::default() },
    }
}

pub(crate) fn login() -> Login {
    Login {
        host: "chat.example".into(),
        room: RoomName::new("lobby & co").expect("a valid name"),
        since: None,
        deflate: false,
        max_message_bytes: 65_536,
        seed: 7,
    }
}

/// Everything at once, byte by byte, and in pieces of lengths that follow from a few seeds.
pub(crate) fn cuts() -> Vec<Cut> {
    let mut cuts: Vec<Cut> = vec![Box::new(|| usize::MAX), Box::new(|| 1)];
    for seed in 1..6_u64 {
        let mut state = seed;
        cuts.push(Box::new(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % 40 + 1
        }));
    }
    cuts
}

/// A gateway by its name.
pub(crate) fn gateway(name: &str) -> Box<dyn Gateway> {
    gateway_with(&settings(), name)
}

pub(crate) fn gateway_with(settings: &Settings, name: &str) -> Box<dyn Gateway> {
    let (_, open) = GATEWAYS.iter().find(|(other, _)| *other == name).expect("a gateway of that name");
    open(settings)
}

/// One gateway and one client of it.
pub(crate) struct Line {
    gateway: Box<dyn Gateway>,
    pub(crate) protocol: Option<Box<dyn Protocol>>,
    pub(crate) client: Box<dyn Client>,
    cut: Cut,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    pub(crate) commands: Vec<Command>,
    pub(crate) heard: Vec<Heard>,
    pub(crate) then: Then,
}

impl Line {
    /// `None`: nobody chats through this gateway.
    pub(crate) fn open(name: &str, login: &Login, cut: Cut) -> Option<Self> {
        let (_, dial) = CLIENTS.iter().find(|(other, _)| *other == name).expect("a client of that name");
        let mut line = Self {
            gateway: gateway(name),
            protocol: None,
            client: dial(login)?,
            cut,
            to_server: Vec::new(),
            to_client: Vec::new(),
            commands: Vec::new(),
            heard: Vec::new(),
            then: Then::Stay,
        };
        line.client.open(&mut line.to_server);
        line.carry();
        Some(line)
    }

    pub(crate) fn ask(&mut self, command: &Command) -> bool {
        let said = self.client.ask(command, &mut self.to_server);
        self.carry();
        said
    }

    pub(crate) fn deliver(&mut self, event: &Event) {
        let mut out = Outbox::default();
        self.protocol.as_mut().expect("the session is open").deliver(event, &mut out);
        self.take(out);
        self.carry();
    }

    /// Tells the session's room.
    pub(crate) fn tell(&mut self, event: &Event) {
        if let Some(variant) = self.protocol.as_ref().and_then(|protocol| protocol.form()) {
            self.gateway.encode(variant, event, &mut self.to_client);
        }
        self.carry();
    }

    /// Lets the server's side write something of its own.
    pub(crate) fn serve(&mut self, act: impl FnOnce(&mut dyn Protocol, &mut Outbox)) {
        let mut out = Outbox::default();
        act(&mut **self.protocol.as_mut().expect("the session is open"), &mut out);
        self.take(out);
        self.carry();
    }

    pub(crate) fn close(&mut self) {
        self.client.close(&mut self.to_server);
        self.carry();
    }

    /// Ends the session of a request that was answered. Says what becomes of the stream.
    pub(crate) fn hang_up_request(&mut self) -> Then {
        self.protocol = None;
        std::mem::take(&mut self.then)
    }

    fn carry(&mut self) {
        while !self.to_server.is_empty() || !self.to_client.is_empty() {
            let bytes = std::mem::take(&mut self.to_server);
            let mut out = Outbox::default();
            let cut = &mut self.cut;
            let (gateway, protocol) = (&mut self.gateway, &mut self.protocol);
            feed(bytes, cut, |input| listen(&mut **gateway, protocol, input, &mut out))
                .expect("no violation");
            self.take(out);
            let bytes = std::mem::take(&mut self.to_client);
            let (client, answers, heard) = (&mut self.client, &mut self.to_server, &mut self.heard);
            feed(bytes, &mut self.cut, |input| client.receive(input, answers, heard)).expect("no fault");
        }
    }

    fn take(&mut self, out: Outbox) {
        self.to_client.extend(out.bytes);
        self.commands.extend(out.commands);
        if out.then != Then::Stay {
            self.then = out.then;
        }
    }
}

/// Where clients are.
pub(crate) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// A request, and the name of the session it may open.
pub(crate) fn call<'a, 'h>(head: &'a Head<'h>) -> Call<'a, 'h> {
    Call { head, address: ADDRESS, is_secure: false, name: &|| SessionName([7; SessionName::BYTES]) }
}

/// What a server does with bytes: it reads a head, then lets the session have the rest.
fn listen(
    gateway: &mut dyn Gateway,
    protocol: &mut Option<Box<dyn Protocol>>,
    input: &mut [u8],
    out: &mut Outbox,
) -> Result<usize, Violation> {
    if let Some(protocol) = protocol {
        return protocol.receive(input, out);
    }
    let Some((head, length)) = wire::http::read_head(input).expect("a well-formed head") else {
        return Ok(0);
    };
    if let Admission::Open(opened) = gateway.admit(&call(&head), out) {
        *protocol = Some(opened);
    }
    Ok(length)
}

/// Feeds bytes piece by piece; what is left of one comes again in front of the next.
pub(crate) fn feed<E>(
    bytes: Vec<u8>,
    cut: &mut Cut,
    mut take: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Result<Vec<u8>, E> {
    let (mut tail, mut rest) = (Vec::new(), &bytes[..]);
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(cut().min(rest.len()));
        tail.extend_from_slice(piece);
        rest = later;
        loop {
            let taken = take(&mut tail)?;
            tail.drain(..taken);
            if taken == 0 || tail.is_empty() {
                break;
            }
        }
    }
    Ok(tail)
}

/// What became of a request that all gateways were offered, in their order.
pub(crate) struct Asked {
    /// Who took it.
    pub(crate) gateway: &'static str,
    pub(crate) protocol: Option<Box<dyn Protocol>>,
    pub(crate) out: Outbox,
}

impl Asked {
    /// What was written since the last call, as text, and what becomes of the stream.
    pub(crate) fn answer(&mut self) -> (String, Then) {
        let bytes = std::mem::take(&mut self.out.bytes);
        (String::from_utf8(bytes).expect("the answer is text"), std::mem::take(&mut self.out.then))
    }

    pub(crate) fn status(&self) -> u16 {
        let (head, _) = wire::http::read_response_head(&self.out.bytes)
            .expect("a well-formed answer")
            .expect("a whole answer");
        head.status
    }

    pub(crate) fn protocol(&mut self) -> (&mut dyn Protocol, &mut Outbox) {
        (&mut **self.protocol.as_mut().expect("a session was opened"), &mut self.out)
    }
}

/// Offers a request to the gateways, and what follows its head to the session that it opens.
pub(crate) fn ask(request: &str) -> Asked {
    ask_with(&settings(), request)
}

pub(crate) fn ask_with(settings: &Settings, request: &str) -> Asked {
    offer(settings, request, false)
}

/// As [`ask_with`], of a request that came under TLS.
pub(crate) fn ask_securely(settings: &Settings, request: &str) -> Asked {
    offer(settings, request, true)
}

fn offer(settings: &Settings, request: &str, is_secure: bool) -> Asked {
    let mut bytes = request.to_owned().into_bytes();
    let (head, length) = wire::http::read_head(request.as_bytes()).expect("well-formed").expect("whole");
    let mut asked = Asked { gateway: "", protocol: None, out: Outbox::default() };
    for (name, open) in GATEWAYS {
        match open(settings).admit(&Call { is_secure, ..call(&head) }, &mut asked.out) {
            Admission::NotMine => continue,
            Admission::Open(protocol) => asked.protocol = Some(protocol),
            Admission::Attach(_) => unreachable!("nobody here has several streams"),
            Admission::Answered => {}
        }
        asked.gateway = name;
        break;
    }
    if let Some(protocol) = &mut asked.protocol {
        let taken = protocol.receive(&mut bytes[length..], &mut asked.out).expect("no violation");
        assert_eq!(taken, bytes.len() - length, "everything is taken");
    }
    asked
}
