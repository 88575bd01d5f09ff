//! The events of chat under the names that Socket.IO clients know them by.

use chat::{Event, Message, PayloadKind};
use wire::socketio::ArgumentsWriter;

use super::form::Said;
use crate::object::Object;

/// A message of a room, to those in it.
pub(super) const MESSAGE: &str = "message";
/// A message to one user, to all of their devices.
const NEW_MESSAGE: &str = "new message";
/// Messages that will not come.
const LOST: &str = "lost";

const NAMESPACE: &str = "/";

/// Hands the packet of an event to `take`, if clients are told of such.
pub(super) fn write_event(event: &Event, take: &mut dyn FnMut(Said<'_>)) {
    match event {
        Event::Posted(message) => write_posted(message, take),
        Event::Lost { room, since, at } => {
            let mut text = Vec::new();
            ArgumentsWriter::event(NAMESPACE, None, 0, LOST, &mut text)
                .with(|out| {
                    Object::start(out).string("room", room.name()).shown("since", since).shown("at", at).end();
                })
                .end();
            give(&text, None, take);
        }
        _ => {}
    }
}

fn write_posted(message: &Message, take: &mut dyn FnMut(Said<'_>)) {
    let (name, author) =
        if message.room.is_inbox() { (NEW_MESSAGE, "username") } else { (MESSAGE, "userId") };
    let payload = &message.body.payload;
    let attachment = (payload.kind == PayloadKind::Binary).then_some(&payload.bytes[..]);
    let mut text = Vec::new();
    ArgumentsWriter::event(NAMESPACE, None, usize::from(attachment.is_some()), name, &mut text)
        .with(|out| {
            let object = Object::start(out);
            let user = message.author.as_ref().map_or("", |user| user.as_str());
            let object = object.string(author, user);
            match (message.body.as_text(), payload.kind) {
                (Some(words), _) => object.string("message", words).end(),
                (None, PayloadKind::Binary) => {
                    object.json("message", "{\"_placeholder\":true,\"num\":0}").end();
                }
                (None, _) => object.json("message", std::str::from_utf8(&payload.bytes).unwrap_or("null")).end(),
            }
        })
        .end();
    give(&text, attachment, take);
}

fn give(text: &[u8], attachment: Option<&[u8]>, take: &mut dyn FnMut(Said<'_>)) {
    let text = std::str::from_utf8(text).expect("packets are text");
    take(Said { text, attachment });
}
