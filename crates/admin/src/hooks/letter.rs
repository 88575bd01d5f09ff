//! What a webhook says, and how it is signed (Standard Webhooks 1.0.0, <https://github.com/standard-webhooks/standard-webhooks>).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::{Message, RoomId, Time, UserId};
use gateways::write_message;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shard::{Happening, Occasion};

/// How a secret begins that is written as base64.
const MARK: &str = "whsec_";
/// Shorter ones can be guessed.
const SECRET_BYTES_MIN: usize = 16;

/// What webhooks are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// One webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// The same however often it is posted.
    pub(super) id: String,
    pub(super) body: String,
}

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

impl Letter {
    /// Of something that has happened. `number` is no other's of this start of the node, `start` no other start's.
    pub(super) fn of(happening: &Happening, (start, number): (u64, u64)) -> Self {
        let Happening { room, time, occasion } = happening;
        let data = |user: Option<&UserId>| json!({ "room": room.name(), "user": user.map(UserId::as_str) });
        let (name, data) = match occasion {
            Occasion::Occupied => ("room.occupied", json!({ "room": room.name() })),
            Occasion::Vacated => ("room.vacated", json!({ "room": room.name() })),
            Occasion::Joined(user) => ("member.joined", data(user.as_ref())),
            Occasion::Left(user) => ("member.left", data(user.as_ref())),
            Occasion::Posted(message) => return Self::of_message(room, message),
        };
        Self { id: id_of(start, number), body: body(name, *time, &data.to_string()) }
    }

    /// That so many are gone.
    pub(super) fn of_loss(lost: u64, now: Time, (start, number): (u64, u64)) -> Self {
        let data: Value = json!({ "lost": lost });
        Self { id: id_of(start, number), body: body("events.lost", now, &data.to_string()) }
    }

    /// Whichever node tells of a message, and however often, it has one id.
    fn of_message(room: &RoomId, message: &Message) -> Self {
        let mut shown = Vec::new();
        write_message(message, &mut shown);
        let shown = String::from_utf8(shown).unwrap_or_default();
        // An object, with one more member at its beginning.
        let room_member = json!({ "room": room.name() }).to_string();
        let data = format!("{},{}", room_member.trim_end_matches('}'), shown.trim_start_matches('{'));
        let digest = digest(&SHA256, format!("{}\n{}", room.name(), message.at).as_bytes());
        let digest: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { id: format!("msg_{digest}"), body: body("message.posted", message.time, &data) }
    }
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
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    // From the first of March of the year 0, in eras of 400 years, each as long as any other.
    let day = days + 719_468;
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat::{Body, Epoch, Position, RoomName};

    use super::*;

    fn happening(occasion: Occasion) -> Happening {
        let room = RoomId::public(RoomName::new("a \"b\"").expect("a name"));
        Happening { room, time: Time(1_700_000_000_123), occasion }
    }

    #[test]
    fn a_letter_says_what_has_happened_where_and_when() {
        let ann = UserId::new("ann").expect("a name");
        let letter = Letter::of(&happening(Occasion::Joined(Some(ann))), (1, 2));
        assert_eq!(letter.id, "evt_0000000000000001_2");
        let said: Value = serde_json::from_str(&letter.body).expect("JSON");
        let expected = json!({ "type": "member.joined", "timestamp": "2023-11-14T22:13:20.123Z", "data": { "room": "a \"b\"", "user": "ann" } });
        assert_eq!(said, expected);
    }

    #[test]
    fn a_message_has_one_id_whoever_tells_of_it() {
        let of = happening(Occasion::Occupied);
        let at = Position { epoch: Epoch(1), offset: 2 };
        let message =
            Message { room: of.room, at, author: None, time: of.time, tag: None, body: Body::text("hi") };
        let letter =
            |number| Letter::of(&happening(Occasion::Posted(Arc::new(message.clone()))), (number, number));
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

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_799, "2000-02-29T23:59:59.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(date(Time(seconds * 1000)), expected);
        }
    }
}
