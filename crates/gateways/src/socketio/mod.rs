//! Socket.IO: the clients of 2.x, 3.x and 4.x unchanged, over polls, a WebSocket, or first the one and then the other
//! (Engine.IO 3 and 4, Socket.IO 4 and 5).

mod bare;
pub mod beside;
mod call;
mod client;
mod client_file;
mod engine;
mod events;
mod form;
mod handled;
pub mod handlers;
mod id;
mod namespaces;
mod packed;
mod poll;
mod posted;
mod profile;
mod recovery;
mod reply;
mod session;
mod showing;
mod sockets;
mod upper;
mod words;

use chat::{Content, Event};
use wire::engineio::{Open, Packet, PacketType, Revision};
use wire::http::Head;

pub(crate) use client::client;
pub use namespaces::{Namespace, Namespaces};

use self::bare::{Bare, BareHandler};
use self::call::{Asked, Transport, Unfit};
use self::engine::Engine;
use self::form::WireForm;
use self::handlers::is_at;
use self::packed::Packed;
use self::profile::{Profile, SharedProfile};
use self::reply::Reply;
use self::session::Session;
use self::sockets::Sockets;
use self::upper::Upper;
use self::words::Words;
use crate::websocket::Socket;
use crate::{Admission, Call, Gateway, Outbox, Protocol, Settings, Variant};

/// Opens the gateway.
pub(crate) fn open(settings: &Settings) -> Box<dyn Gateway> {
    Box::new(SocketIo { settings: settings.clone(), profile: Profile::shared(settings) })
}

struct SocketIo {
    settings: Settings,
    profile: SharedProfile,
}

/// What the messages of a session are for.
enum Above {
    SocketIo,
    Application(BareHandler),
}

impl Gateway for SocketIo {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        let path = &*self.profile.path;
        if let Some(file) = &self.profile.client_file
            && head.path.strip_prefix(path) == Some(client_file::NAME)
        {
            file.answer(head, out);
            return Admission::Answered;
        }
        let Some(above) = self.above(head.path) else { return Admission::NotMine };
        if head.method == "OPTIONS" {
            let origins = &self.profile.origins;
            Reply::unread(head, origins).allow(origins, head, out);
            return Admission::Answered;
        }
        let asked = match self.profile.origins.bar(head, call.is_secure) {
            true => Err(Unfit::Forbidden),
            false => Asked::read(head),
        };
        match asked {
            Ok(Asked { session: Some(name), .. }) => Admission::Attach(name),
            Ok(asked) => self.open_session(&asked, above, call, out),
            Err(unfit) => {
                unfit.answer(head, &self.profile.origins, out);
                Admission::Answered
            }
        }
    }

    fn refuse(&mut self, head: &Head<'_>, out: &mut Outbox) {
        Unfit::SessionUnknown.answer(head, &self.profile.origins, out);
    }

    fn encode(&mut self, variant: Variant, event: &Event, out: &mut Vec<u8>) {
        let form = WireForm::of(variant);
        let words = Words::of(&self.profile, form);
        words.write(event, &mut |said| form.write(&self.profile.codec, &said, out));
    }

    fn unpack(&mut self, packed: &[u8]) -> Option<Box<dyn Protocol>> {
        let packed: Packed = serde_json::from_slice(packed).ok()?;
        Some(Box::new(packed.unpack(&self.profile)?))
    }

    fn serve(&mut self, namespace: &str, event: &str, content: &Content) -> Option<String> {
        self.profile.handlers.find(namespace)?.serve(event, content)
    }
}

impl SocketIo {
    /// What sessions at a path are for; `None`: the path is somebody else's.
    fn above(&self, path: &str) -> Option<Above> {
        match self.profile.handlers.bare(path) {
            Some(handler) => Some(Above::Application(handler.clone())),
            None => is_at(path, &self.profile.path).then_some(Above::SocketIo),
        }
    }

    fn open_session(&self, asked: &Asked, above: Above, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let socket = match asked.transport {
            Transport::WebSocket => match Socket::open(call.head, None, &self.profile.codec, out) {
                Some(socket) => Some(socket),
                None => return Admission::Answered,
            },
            Transport::Polling => None,
        };
        let name = (call.name)();
        let sid = name.to_string();
        let max_payload = self.settings.max_message_bytes as u64;
        let mut text = Vec::new();
        let open = Open {
            sid: sid.as_str().into(),
            may_upgrade: asked.transport == Transport::Polling && asked.jsonp.is_none(),
            ping_interval_ms: self.settings.ping_interval_ms,
            ping_timeout_ms: self.settings.ping_timeout_ms,
            max_payload_bytes: (asked.revision == Revision::V4).then_some(max_payload),
        };
        open.write(&mut text);
        let text = String::from_utf8(text).expect("it is JSON");
        let engine = Engine::new(asked, self.profile.clone(), socket);
        let mut packets = Vec::new();
        engine.write(&Packet::Text(PacketType::Open, &text), &mut packets);
        match above {
            Above::Application(handler) => {
                let session = Session::new(engine, Bare::new(handler, call.address));
                self.begin(session, packets, asked, (call, &sid), out)
            }
            Above::SocketIo => {
                let mut sockets = Sockets::new(self.profile.clone(), name, call.address);
                if asked.revision == Revision::V3 {
                    sockets.show_at_first(call.head);
                }
                let session = Session::new(engine, sockets);
                self.begin(session, packets, asked, (call, &sid), out)
            }
        }
    }

    /// Says the first packets in answer to the request that opens the session.
    fn begin<U: Upper + 'static>(
        &self,
        mut session: Session<U>,
        mut packets: Vec<u8>,
        asked: &Asked,
        (call, sid): (&Call<'_, '_>, &str),
        out: &mut Outbox,
    ) -> Admission {
        if (asked.revision, asked.transport) == (Revision::V3, Transport::WebSocket) {
            // Clients of those days do not expect to be told anything in one piece with the answer to their request.
            session.engine.put_off(packets, out);
            return Admission::Open(Box::new(session));
        }
        let answered = std::mem::take(&mut out.bytes);
        session.begin(out);
        packets.append(&mut out.bytes);
        out.bytes = answered;
        match asked.transport {
            Transport::WebSocket => out.bytes.extend_from_slice(&packets),
            Transport::Polling => session.engine.answer_handshake(asked, call, sid, &packets, out),
        }
        Admission::Open(Box::new(session))
    }
}
