//! What a server says, as JSON objects (docs/protocol.md, "What a server sends"): the words that several protocols share. Written
//! straight into the caller's buffer, for all members of a room at once.

use chat::{Content, Event, Farewell, Message, Position, Presence, Refusal, Tag};
use wire::socketio::write_filled;

use crate::object::Object;

/// Appends an event.
pub(crate) fn write_event(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Posted(message) => write_posted(message, out),
        Event::Presence(presence) => write_presence(presence, out),
        Event::Accepted { tag, at } => Object::of("accepted", out).tag(tag).shown("at", at).end(),
        Event::Refused { tag, refusal } => write_refused(tag, *refusal, out),
        Event::Left { tag, room } => Object::of("left", out).tag(tag).room(room).end(),
        Event::Removed { room, because } => Object::of("removed", out).room(room).refusal(*because).end(),
        Event::Time { tag, time } => Object::of("time", out).tag(tag).number("time", time.0).end(),
        Event::Closing(farewell) => write_closing(*farewell, out),
        Event::Lost { room, since, at } => {
            Object::of("lost", out).room(room).shown("since", since).shown("at", at).end();
        }
        Event::Signal { room, user, signal, content } => {
            let object = Object::of("signal", out).room(room).user(user).string("signal", signal.as_str());
            match content {
                Some(content) => object.with("arguments", |out| write_arguments(content, out)).end(),
                None => object.end(),
            }
        }
        Event::Page { tag, room, messages, more } => {
            let object = Object::of("page", out).tag(tag).room(room);
            object
                .array("messages", messages, |message, out| write_message(message, out))
                .flag("more", *more)
                .end();
        }
        Event::Welcome { tag, user, session, time, ping_interval_s, inbox, resumption } => {
            Object::of("welcome", out)
                .tag(tag)
                .string("user", user.as_str())
                .string("session", session)
                .number("time", time.0)
                .number("ping", u64::from(*ping_interval_s))
                .shown("inbox", inbox)
                .resumption(*resumption)
                .end()
        }
        Event::Refreshed { tag, until } => {
            let object = Object::of("refreshed", out).tag(tag);
            match until {
                Some(until) => object.number("until", until.0).end(),
                None => object.end(),
            }
        }
        Event::Expiring { at } => Object::of("expiring", out).number("until", at.0).end(),
        Event::Joined { tag, room, at, resumption, counts, present } => Object::of("joined", out)
            .tag(tag)
            .room(room)
            .shown("at", at)
            .resumption(*resumption)
            .number("members", u64::from(counts.members))
            .number("guests", u64::from(counts.guests))
            .users("present", present.as_deref())
            .end(),
    }
}

/// Appends why something was not done, as HTTP answers say it.
pub(crate) fn write_refusal(refusal: Refusal, out: &mut Vec<u8>) {
    Object::start(out).refusal(refusal).end();
}

/// Appends where a post stands, as HTTP answers say it.
pub(crate) fn write_position(at: Position, out: &mut Vec<u8>) {
    Object::start(out).shown("at", &at).end();
}

fn write_posted(message: &Message, out: &mut Vec<u8>) {
    let is = if message.room.is_inbox() { "direct" } else { "posted" };
    Object::of(is, out).room(&message.room).message(message).end();
}

/// Appends a message as pages of history show it.
pub fn write_message(message: &Message, out: &mut Vec<u8>) {
    Object::start(out).message(message).end();
}

fn write_presence(presence: &Presence, out: &mut Vec<u8>) {
    let Presence { room, joined, left, counts } = presence;
    Object::of("presence", out)
        .room(room)
        .users("joined", joined.as_deref())
        .users("left", left.as_deref())
        .number("members", u64::from(counts.members))
        .number("guests", u64::from(counts.guests))
        .end();
}

/// Bytes stand as `{"binary": …}` in the arguments that they belong to.
fn write_arguments(content: &Content, out: &mut Vec<u8>) {
    out.push(b'[');
    match &content.attachments[..] {
        [] => out.extend_from_slice(content.arguments.as_bytes()),
        attachments => write_filled(&content.arguments, out, |number, out| {
            let bytes = attachments.get(number).map_or(&[][..], |attachment| attachment);
            Object::start(out).base64("binary", bytes).end();
        }),
    }
    out.push(b']');
}

fn write_refused(tag: &Option<Tag>, refusal: Refusal, out: &mut Vec<u8>) {
    Object::of("refused", out).tag(tag).refusal(refusal).end();
}

fn write_closing(farewell: Farewell, out: &mut Vec<u8>) {
    let object = Object::of("closing", out)
        .number("code", u64::from(farewell.code()))
        .string("reason", farewell.reason())
        .flag("reconnect", farewell.may_reconnect());
    match farewell {
        Farewell::ServerRestart { delay_ms } => object.number("delay", u64::from(delay_ms)).end(),
        _ => object.end(),
    }
}
