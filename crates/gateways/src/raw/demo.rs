//! The JSON of the well-known demo: `{"msgType":"user|system|admin","text":…,"userId":…,"date":…}`.

use std::borrow::Cow;

use chat::{Message, UserId};
use serde::Deserialize;
use wire::json::write_json_string;
use wire::websocket::Kind;

use crate::object::write_number;

/// What a message in the demo's JSON says.
pub(super) struct Said<'a> {
    pub(super) user: Option<Cow<'a, str>>,
    pub(super) text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Demo<'a> {
    #[serde(rename = "msgType", borrow)]
    message_type: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(rename = "userId", borrow)]
    user: Option<User<'a>>,
}

/// Deployments of the demo number their users or name them.
#[derive(Deserialize)]
#[serde(untagged)]
enum User<'a> {
    Number(u64),
    Name(#[serde(borrow)] Cow<'a, str>),
}

/// What a payload says, if it is the demo's JSON.
pub(super) fn read(kind: Kind, payload: &[u8]) -> Option<Said<'_>> {
    if kind != Kind::Text || payload.first() != Some(&b'{') {
        return None;
    }
    let demo: Demo<'_> = serde_json::from_slice(payload).ok()?;
    if !matches!(&*demo.message_type, "user" | "system" | "admin") {
        return None;
    }
    let user = demo.user.map(|user| match user {
        User::Number(number) => Cow::Owned(number.to_string()),
        User::Name(name) => name,
    });
    Some(Said { user, text: demo.text })
}

/// Appends a message of another protocol in the demo's JSON.
pub(super) fn write(message: &Message, text: &str, out: &mut Vec<u8>) {
    write_said(message.author.as_ref(), text, out);
    out.extend_from_slice(b",\"date\":");
    write_number(message.time.0, out);
    out.push(b'}');
}

/// Appends who says what in the demo's JSON, all but the closing brace.
pub(super) fn write_said(user: Option<&UserId>, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"msgType":"user","text":"#);
    write_json_string(out, text);
    out.extend_from_slice(br#","userId":"#);
    write_json_string(out, user.map_or("", UserId::as_str));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(json: &str) -> Option<(Option<String>, String)> {
        let said = read(Kind::Text, json.as_bytes())?;
        Some((said.user.map(Cow::into_owned), said.text.into_owned()))
    }

    #[test]
    fn the_demos_json_says_who_and_what() {
        let named = r#"{"msgType":"user","text":"hi \"all\"","userId":"ann","date":1}"#;
        assert_eq!(read_back(named), Some((Some("ann".into()), "hi \"all\"".into())));
        assert_eq!(
            read_back(r#"{"userId":7,"text":"x","msgType":"system"}"#),
            Some((Some("7".into()), "x".into()))
        );
    }

    #[test]
    fn other_json_is_only_a_payload() {
        for other in
            ["{}", r#"{"msgType":"bot","text":"x"}"#, r#"{"msgType":"user","text":1}"#, "[1]", "{", "hello"]
        {
            assert_eq!(read_back(other), None, "{other}");
        }
    }
}
