//! What a webhook says, and how it is signed (Standard Webhooks 1.0.0, <https://github.com/standard-webhooks/standard-webhooks>).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::{Happening, Message, Occasion, RoomId, Time, UserId};
use gateways::write_message;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use stores::Letter;
use wire::date::iso;

/// How a secret begins that is written as base64.
const MARK: &str = "whsec_";
/// Shorter ones can be guessed.
const SECRET_BYTES_MIN: usize = 16;

/// What webhooks are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Reads `whsec_` and base64, or any other text of 16 bytes or more.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = match text.strip_prefix(MARK) {
            Some(encoded) => STANDARD.decode(encoded).ok()?,
            None => text.as_bytes().to_vec(),
        };
        (bytes.len() >= SECRET_BYTES_MIN).then_some(Self(bytes))
    }

    /// The signature of a webhook that is posted at a moment, in seconds since 1970.
    pub(super) fn sign(&self, letter: &Letter, now_s: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let signed = hmac::sign(&key, format!("{}.{now_s}.{}", letter.id, letter.body).as_bytes());
        format!("v1,{}", STANDARD.encode(signed))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

/// Of something that has happened. `number` is no other's of this start of the node, `start` no other start's.
pub(super) fn letter_of(happening: &Happening, (start, number): (u64, u64)) -> Letter {
    let Happening { room, time, occasion, is_found_late } = happening;
    let mut data = json!({ "room": room.name() });
    let mut of = |user: &Option<UserId>| data["user"] = json!(user.as_ref().map(UserId::as_str));
    let name = match occasion {
        Occasion::Occupied => "room.occupied",
        Occasion::Vacated => "room.vacated",
        Occasion::Joined(user) => {
            of(user);
            "member.joined"
        }
        Occasion::Left(user) => {
            of(user);
            "member.left"
        }
        Occasion::Posted(message) => return letter_of_message(room, message),
    };
    if *is_found_late {
        data["reason"] = json!("node_ended");
    }
    Letter { id: id_of(start, number), body: body(name, *time, &data.to_string()) }
}

/// That so many are gone.
pub(super) fn letter_of_loss(lost: u64, now: Time, (start, number): (u64, u64)) -> Letter {
    let data: Value = json!({ "lost": lost });
    Letter { id: id_of(start, number), body: body("events.lost", now, &data.to_string()) }
}

/// Whichever node tells of a message, and however often, it has one id.
fn letter_of_message(room: &RoomId, message: &Message) -> Letter {
    let mut shown = Vec::new();
    write_message(message, &mut shown);
    let shown = String::from_utf8(shown).unwrap_or_default();
    // An object, with one more member at its beginning.
    let room_member = json!({ "room": room.name() }).to_string();
    let data = format!("{},{}", room_member.trim_end_matches('}'), shown.trim_start_matches('{'));
    let digest = digest(&SHA256, format!("{}\n{}", room.name(), message.at).as_bytes());
    let digest: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Letter { id: format!("msg_{digest}"), body: body("message.posted", message.time, &data) }
}

fn id_of(start: u64, number: u64) -> String {
    format!("evt_{start:016x}_{number}")
}

fn body(name: &str, time: Time, data: &str) -> String {
    let data = RawValue::from_string(data.to_owned());
    let data = data.map_or("null".to_owned(), |data| data.get().to_owned());
    format!("{{\"type\":\"{name}\",\"timestamp\":\"{}\",\"data\":{data}}}", date(time))
}

/// RFC 3339, in UTC.
fn date(Time(ms): Time) -> String {
    i64::try_from(ms).ok().and_then(iso).expect("no clock has gone so far")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat::{Body, Epoch, Position, RoomName};

    use super::*;

    fn happening(occasion: Occasion) -> Happening {
        let room = RoomId::public(RoomName::new("a \"b\"").expect("a name"));
        Happening::seen(room, Time(1_700_000_000_123), occasion)
    }

    #[test]
    fn a_letter_says_what_has_happened_where_and_when() {
        let ann = UserId::new("ann").expect("a name");
        let letter = letter_of(&happening(Occasion::Joined(Some(ann.clone()))), (1, 2));
        assert_eq!(letter.id, "evt_0000000000000001_2");
        let said: Value = serde_json::from_str(&letter.body).expect("JSON");
        let expected = json!({ "type": "member.joined", "timestamp": "2023-11-14T22:13:20.123Z", "data": { "room": "a \"b\"", "user": "ann" } });
        assert_eq!(said, expected);
        let late = Happening { is_found_late: true, ..happening(Occasion::Left(Some(ann))) };
        let said: Value = serde_json::from_str(&letter_of(&late, (1, 3)).body).expect("JSON");
        assert_eq!(said["data"], json!({ "room": "a \"b\"", "user": "ann", "reason": "node_ended" }));
    }

    #[test]
    fn a_message_has_one_id_whoever_tells_of_it() {
        let of = happening(Occasion::Occupied);
        let at = Position { epoch: Epoch(1), offset: 2 };
        let message =
            Message { room: of.room, at, author: None, time: of.time, tag: None, body: Body::text("hi") };
        let letter =
            |number| letter_of(&happening(Occasion::Posted(Arc::new(message.clone()))), (number, number));
        assert_eq!(letter(1), letter(2));
        let said: Value = serde_json::from_str(&letter(1).body).expect("JSON");
        let data =
            json!({ "room": "a \"b\"", "at": at.to_string(), "time": 1_700_000_000_123_u64, "text": "hi" });
        assert_eq!((&said["type"], &said["data"]), (&json!("message.posted"), &data));
    }

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // The example of the reference implementations.
        let secret = Secret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let letter = Letter {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            body: "{\"test\": 2432232314}".to_owned(),
        };
        assert_eq!(secret.sign(&letter, 1_614_265_330), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(Secret::read("whsec_AAAA"), None);
        assert_eq!(Secret::read("short"), None);
    }
}
