//! The forms of keys about the HTTP API and webhooks.

use admin::{Key, Secret};

use super::form::Form;

/// Any number of keys, each with another name.
pub(super) struct ApiKeys;

impl Form for ApiKeys {
    type Value = Vec<Key>;

    fn read(&self, texts: &[String]) -> Option<Vec<Key>> {
        let name = |text: &String| text.split(':').next().map(str::to_owned);
        let has_twins = texts
            .iter()
            .enumerate()
            .any(|(index, text)| texts[..index].iter().any(|other| name(other) == name(text)));
        texts.iter().map(|text| text.parse().ok()).collect::<Option<_>>().filter(|_| !has_twins)
    }

    fn expected(&self) -> String {
        "NAME:SCOPE+SCOPE:DIGEST with different names, as heimdallr key prints them".to_owned()
    }

    fn is_list(&self) -> bool {
        true
    }
}

/// What webhooks tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody is in a room, and nobody was.
    Occupied,
    /// Nobody is any more.
    Vacated,
    /// Somebody has come.
    Joined,
    /// Somebody has gone.
    Left,
    /// Something was said.
    Posted,
}

/// One or more occasions.
pub(super) struct Occasions;

impl Form for Occasions {
    type Value = Vec<Occasion>;

    fn read(&self, texts: &[String]) -> Option<Vec<Occasion>> {
        let read = |text: &String| match text.as_str() {
            "room.occupied" => Some(Occasion::Occupied),
            "room.vacated" => Some(Occasion::Vacated),
            "member.joined" => Some(Occasion::Joined),
            "member.left" => Some(Occasion::Left),
            "message.posted" => Some(Occasion::Posted),
            _ => None,
        };
        let occasions: Option<Vec<_>> = texts.iter().map(read).collect();
        occasions.filter(|occasions| !occasions.is_empty())
    }

    fn expected(&self) -> String {
        "one or more of room.occupied, room.vacated, member.joined, member.left, message.posted".to_owned()
    }

    fn is_list(&self) -> bool {
        true
    }
}

/// What webhooks are signed with, or nothing.
pub(super) struct HookSecret;

impl Form for HookSecret {
    type Value = Option<Secret>;

    fn read(&self, texts: &[String]) -> Option<Option<Secret>> {
        match texts {
            [text] if text.is_empty() => Some(None),
            [text] => Secret::read(text).map(Some),
            _ => None,
        }
    }

    fn expected(&self) -> String {
        "whsec_ and base64, or 16 characters or more, or nothing".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_no_two_have_one_name() {
        let digest = "A".repeat(43);
        let read = |names: &[&str]| {
            let texts: Vec<String> = names.iter().map(|name| format!("{name}:read:{digest}")).collect();
            ApiKeys.read(&texts).map(|keys| keys.len())
        };
        assert_eq!(read(&[]), Some(0));
        assert_eq!(read(&["a", "b"]), Some(2));
        assert_eq!(read(&["a", "a"]), None);
        assert_eq!(ApiKeys.read(&["a".to_owned()]), None);
    }
}
