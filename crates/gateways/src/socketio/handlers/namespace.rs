//! The handlers of one namespace. Knows nothing of sessions.

use std::collections::BTreeMap;

use chat::{Content, Refusal};
use serde_json::value::RawValue;
use wire::socketio::is_reserved;

use super::arguments::Values;
use super::socket::{Call, Socket};

type Judge = Box<dyn Fn(Values<'_>) -> Result<(), String>>;
type OnConnect = Box<dyn Fn(&mut Socket<'_>, Values<'_>) -> Result<(), Refusal>>;
pub(in crate::socketio) type OnEvent = Box<dyn Fn(&mut Socket<'_>, &Call<'_>) -> Result<(), Refusal>>;
type OnDisconnect = Box<dyn Fn(&mut Socket<'_>)>;
type OnServerSide = Box<dyn Fn(&Call<'_>) -> Result<(), Refusal>>;

/// The handlers of one namespace. What has no handler here is done as the server does it by itself.
#[derive(Default)]
pub struct NamespaceHandlers {
    admit: Option<Judge>,
    connect: Option<OnConnect>,
    events: BTreeMap<Box<str>, OnEvent>,
    disconnect: Option<OnDisconnect>,
    server_side: BTreeMap<Box<str>, OnServerSide>,
}

/// What a handler returns: nothing, or perhaps a refusal, with which the event is acknowledged if the client wants to know.
pub trait Outcome {
    /// The refusal, if it is one.
    fn refused(self) -> Result<(), Refusal>;
}

impl Outcome for () {
    fn refused(self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl Outcome for Result<(), Refusal> {
    fn refused(self) -> Result<(), Refusal> {
        self
    }
}

impl NamespaceHandlers {
    /// Asks `judge` of everybody who wants to connect, with the one value that they show for it, `{}` if they show nothing. `Err`: they may
    /// not, and are told why. The last judge counts.
    pub fn admit(&mut self, judge: impl Fn(Values<'_>) -> Result<(), String> + 'static) -> &mut Self {
        self.admit = Some(Box::new(judge));
        self
    }

    /// Calls `handler` for everybody who has connected, with the one value that they showed for it, `{}` if they showed nothing. Who is
    /// refused something there has to leave. The last handler counts.
    pub fn on_connect<R: Outcome>(
        &mut self,
        handler: impl Fn(&mut Socket<'_>, Values<'_>) -> R + 'static,
    ) -> &mut Self {
        self.connect = Some(Box::new(move |socket, auth| handler(socket, auth).refused()));
        self
    }

    /// Calls `handler` for every event of a name. The last handler of a name counts.
    ///
    /// # Panics
    ///
    /// If the name is one that clients keep for themselves, as `connect` and `disconnect` are.
    pub fn on<R: Outcome>(
        &mut self,
        event: &str,
        handler: impl Fn(&mut Socket<'_>, &Call<'_>) -> R + 'static,
    ) -> &mut Self {
        assert!(!is_reserved(event), "{event:?} is no event's name");
        self.events.insert(event.into(), Box::new(move |socket, call| handler(socket, call).refused()));
        self
    }

    /// Calls `handler` for everybody who has left the namespace, whatever way. What it emits to them is not heard any more. The last handler
    /// counts.
    pub fn on_disconnect(&mut self, handler: impl Fn(&mut Socket<'_>) + 'static) -> &mut Self {
        self.disconnect = Some(Box::new(handler));
        self
    }

    /// Calls `handler` for every event of a name that another server of the cluster has emitted to the servers (`serverSideEmit`), on one shard
    /// of the node. What it acknowledges the event with is what that server is answered. The last handler of a name counts.
    pub fn on_server_side<R: Outcome>(
        &mut self,
        event: &str,
        handler: impl Fn(&Call<'_>) -> R + 'static,
    ) -> &mut Self {
        self.server_side.insert(event.into(), Box::new(move |call| handler(call).refused()));
        self
    }

    /// Whether somebody who shows this may connect.
    pub(in crate::socketio) fn judge(&self, auth: Values<'_>) -> Result<(), String> {
        self.admit.as_ref().map_or(Ok(()), |judge| judge(auth))
    }

    pub(in crate::socketio) fn connected(
        &self,
        socket: &mut Socket<'_>,
        auth: Values<'_>,
    ) -> Result<(), Refusal> {
        self.connect.as_ref().map_or(Ok(()), |handler| handler(socket, auth))
    }

    /// The handler of an event.
    pub(in crate::socketio) fn find(&self, event: &str) -> Option<&OnEvent> {
        self.events.get(event)
    }

    /// Hands over an event for the servers. Says with which value it is answered.
    pub(in crate::socketio) fn serve(&self, event: &str, content: &Content) -> Option<String> {
        let handler = self.server_side.get(event)?;
        let array = format!("[{}]", content.arguments);
        let values: Vec<&RawValue> = serde_json::from_str(&array).ok()?;
        let texts: Vec<&str> = values.into_iter().map(RawValue::get).collect();
        let attachments: Vec<Vec<u8>> = content.attachments.iter().map(|bytes| bytes.to_vec()).collect();
        let call = Call::new(event, Values { texts: &texts, attachments: &attachments }, true);
        handler(&call).ok()?;
        let answer = call.into_answer()?;
        Some(answer.texts().first().map_or("null", |text| *text).to_owned())
    }

    pub(in crate::socketio) fn disconnected(&self, socket: &mut Socket<'_>) {
        if let Some(handler) = &self.disconnect {
            handler(socket);
        }
    }
}
