//! The forms of keys about who clients are and what they may do.

use access::{Algorithm, Guests, Pattern, Rule, Who};
use chat::UserId;

use super::error::ConfigError;
use super::form::{Choice, Form};
use super::keys::Settings;

/// What becomes of clients that have not proven who they are; `None`: it hangs on whether they can.
pub(super) const GUESTS: Choice<Option<Guests>> = Choice(&[
    ("auto", None),
    ("named", Some(Guests::Named)),
    ("nameless", Some(Guests::Nameless)),
    ("none", Some(Guests::Barred)),
]);

/// How tokens may be signed: one or more.
pub(super) struct Algorithms;

impl Form for Algorithms {
    type Value = Vec<Algorithm>;

    fn read(&self, texts: &[String]) -> Option<Vec<Algorithm>> {
        let named = |text: &String| Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == text);
        let algorithms: Option<Vec<_>> = texts.iter().map(named).collect();
        algorithms.filter(|algorithms| !algorithms.is_empty())
    }

    fn expected(&self) -> String {
        let names: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
        format!("one or more of {}", names.join(", "))
    }

    fn is_list(&self) -> bool {
        true
    }
}

/// What a backend is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Who a client is.
    Identify,
    /// Whether it may be in a room.
    Join,
    /// Whether it may say something there.
    Post,
}

/// One or more questions.
pub(super) struct Questions;

impl Form for Questions {
    type Value = Vec<Question>;

    fn read(&self, texts: &[String]) -> Option<Vec<Question>> {
        let read = |text: &String| match text.as_str() {
            "identify" => Some(Question::Identify),
            "join" => Some(Question::Join),
            "post" => Some(Question::Post),
            _ => None,
        };
        let questions: Option<Vec<_>> = texts.iter().map(read).collect();
        questions.filter(|questions| !questions.is_empty())
    }

    fn expected(&self) -> String {
        "one or more of identify, join, post".to_owned()
    }

    fn is_list(&self) -> bool {
        true
    }
}

pub(super) fn is_backend(url: &str) -> bool {
    url.is_empty() || access::is_backend(url)
}

/// Any number of `PATTERN: DEED=WHO …`.
pub(super) struct RoomRules;

impl Form for RoomRules {
    type Value = Vec<Rule>;

    fn read(&self, texts: &[String]) -> Option<Vec<Rule>> {
        texts.iter().map(|text| read_rule(text)).collect()
    }

    fn expected(&self) -> String {
        "PATTERN: join=WHO post=WHO presence=WHO history=WHO (what is left out anyone may), for example \
         staff-*: join=proven post=user:ann;user:bob, where WHO is anyone, named, proven, grant, user:NAME or nobody, or several of \
         those with ; between them"
            .to_owned()
    }

    fn is_list(&self) -> bool {
        true
    }
}

fn read_rule(text: &str) -> Option<Rule> {
    let (rooms, deeds) = text.split_once(": ").or_else(|| Some((text.strip_suffix(':')?, "")))?;
    let mut rule = Rule::open(Pattern::new(rooms.trim())?);
    for deed in deeds.split_whitespace() {
        let (deed, who) = deed.split_once('=')?;
        let who = who.split(';').map(read_who).collect::<Option<Vec<Who>>>()?;
        match deed {
            "join" => rule.join = who,
            "post" => rule.post = who,
            "presence" => rule.see = who,
            "history" => rule.recall = who,
            _ => return None,
        }
    }
    Some(rule)
}

fn read_who(text: &str) -> Option<Who> {
    Some(match text {
        "anyone" => Who::Anyone,
        "named" => Who::Named,
        "proven" => Who::Proven,
        "grant" => Who::Granted,
        "nobody" => Who::Nobody,
        user => Who::User(UserId::new(user.strip_prefix("user:")?).ok()?),
    })
}

/// Refuses keys of tokens where there are no tokens, and guests that nobody could be anything but.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    let given = [
        ("jwt_issuer", settings.jwt_issuer.clone()),
        ("jwt_audience", settings.jwt_audience.join(", ")),
        ("jwt_revoked", settings.jwt_revoked.clone()),
    ];
    if settings.accounts && settings.data.is_empty() {
        return Err(ConfigError::new("accounts", Some("true".to_owned()), "data beside it"));
    }
    let lost = given.into_iter().find(|(_, value)| settings.jwt_keys.is_empty() && !value.is_empty());
    match lost {
        Some((key, value)) => Err(ConfigError::new(key, Some(value), "jwt_keys beside it")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_says_for_some_rooms_who_may_do_what() {
        let rule = read_rule("staff-*: join=proven post=user:ann;user:bob history=nobody").expect("a rule");
        assert!(rule.rooms.covers("staff-7"));
        let user = |name| Who::User(UserId::new(name).expect("a name"));
        assert_eq!((rule.join, rule.post), (vec![Who::Proven], vec![user("ann"), user("bob")]));
        assert_eq!((rule.see, rule.recall), (vec![Who::Anyone], vec![Who::Nobody]));
        assert_eq!(read_rule("lobby:"), Some(Rule::open(Pattern::new("lobby").expect("a pattern"))));
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for text in [
            "",
            "lobby",
            ": join=anyone",
            "a*b: join=anyone",
            "a: join",
            "a: join=",
            "a: fly=anyone",
            "a: join=user:",
        ] {
            assert_eq!(read_rule(text), None, "{text}");
        }
    }
}
