//! What clients show when they connect to a namespace, and those who wait to hear whether it is believed.

use std::borrow::Cow;

use chat::{Command, Credentials, Event, Refusal, Secret, Tag};
use serde::Deserialize;
use wire::engineio::Revision;
use wire::http::Head;
use wire::socketio::Rejection;

use super::engine::Engine;
use super::events;
use super::namespaces::Namespace;
use super::sockets::{CONNECTION_DUE, Sockets};
use crate::json::write_refusal;
use crate::members::{Member, credentials};
use crate::{Outbox, Wake};

/// How the tags of those who wait begin. No other tag of this gateway does.
const TAG: &str = "connect ";

/// Who has shown what.
#[derive(Default)]
pub(super) struct Shown {
    /// With the request that opened the session, where clients have no other way.
    at_first: Option<Secret>,
    /// Namespaces that a client waits to be connected to, and what it connects with.
    waiting: Vec<(Namespace, Option<Box<str>>)>,
    /// Something was believed.
    is_believed: bool,
}

/// What a client connects with, as far as it is meant for us.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth<'a> {
    #[serde(borrow)]
    token: Member<'a>,
    #[serde(borrow)]
    username: Member<'a>,
    #[serde(borrow)]
    password: Member<'a>,
}

/// What is to be believed of what a client connects with. A name alone says nothing here: a client takes one with an event.
fn read(auth: Option<&str>) -> Result<Option<Credentials>, Refusal> {
    let Auth { token, username, password } =
        auth.and_then(|auth| serde_json::from_str(auth).ok()).unwrap_or_default();
    match (token, password) {
        (None, None) => Ok(None),
        (token, None) => credentials(None, None, token).map(Some),
        (token, password) => credentials(username, password, token).map(Some),
    }
}

impl Sockets {
    /// What clients show that cannot show anything later.
    pub(super) fn show_at_first(&mut self, head: &Head<'_>) {
        if let Ok(Some(token)) = self.profile.bearer.token(head) {
            self.shown = Some(Box::new(Shown { at_first: Some(token), ..Shown::default() }));
        }
    }

    /// A client that may connect to a namespace, for all that the application has against it, is connected once what it shows is believed.
    pub(super) fn connect_believed(
        &mut self,
        namespace: Namespace,
        auth: Option<&str>,
        engine: &Engine,
        out: &mut Outbox,
    ) {
        let at_first = self.shown.as_mut().and_then(|shown| shown.at_first.take());
        let shown = match at_first {
            Some(token) => Ok(Some(Credentials::Token(token))),
            None => read(auth.filter(|_| self.profile.judges)),
        };
        match shown {
            Ok(Some(credentials)) => self.wait(namespace, auth, credentials, out),
            Ok(None) if self.may_show_nothing(namespace) => self.admit(namespace, auth, engine, out),
            Ok(None) => self.refuse_to_connect(namespace, Refusal::NotIdentified, engine, out),
            Err(refusal) => self.refuse_to_connect(namespace, refusal, engine, out),
        }
    }

    /// An application may have ways of its own to find out who its clients are.
    fn may_show_nothing(&self, namespace: Namespace) -> bool {
        let is_believed = self.shown.as_ref().is_some_and(|shown| shown.is_believed);
        self.profile.guests || is_believed || self.has_application(namespace)
    }

    fn wait(&mut self, namespace: Namespace, auth: Option<&str>, credentials: Credentials, out: &mut Outbox) {
        let waiting = &mut self.shown.get_or_insert_default().waiting;
        waiting.retain(|(other, _)| *other != namespace);
        waiting.push((namespace, auth.map(Into::into)));
        let tag = Tag::new(&format!("{TAG}{}", namespace.0));
        out.commands.push(Command::Identify { credentials, takes_direct: true, inbox: None, tag });
    }

    /// Hears whether somebody is believed who waits to be connected. Says whether the event is about that.
    pub(super) fn hear_verdict(&mut self, event: &Event, engine: &Engine, out: &mut Outbox) -> bool {
        let tag = events::answered(event).flatten();
        let Some(number) = tag.and_then(|tag| tag.as_str().strip_prefix(TAG)) else { return false };
        let waiting = self.shown.as_mut().and_then(|shown| {
            let is_meant = |(namespace, _): &(Namespace, _)| number.parse() == Ok(namespace.0);
            let place = shown.waiting.iter().position(is_meant)?;
            Some(shown.waiting.swap_remove(place))
        });
        let Some((namespace, auth)) = waiting else { return true };
        if let Event::Refused { refusal, .. } = event {
            self.refuse_to_connect(namespace, *refusal, engine, out);
        } else {
            self.shown.get_or_insert_default().is_believed = true;
            self.admit(namespace, auth.as_deref(), engine, out);
        }
        true
    }

    /// The message is the code, so that clients of both revisions can tell.
    fn refuse_to_connect(&self, namespace: Namespace, refusal: Refusal, engine: &Engine, out: &mut Outbox) {
        out.refusals.push(refusal);
        let mut data = Vec::new();
        write_refusal(refusal, &mut data);
        let data = std::str::from_utf8(&data).expect("it is JSON");
        let rejection = Rejection { message: Cow::Borrowed(refusal.code()), data: Some(data) };
        self.reject(self.name(namespace), &rejection, engine, &mut out.bytes);
        if engine.revision() == Revision::V3 {
            out.wakes.push(Wake { after_ms: self.profile.connect_timeout_ms, what_for: CONNECTION_DUE });
        }
    }
}
