//! The bridge at work: two connections to Redis, one that listens and one that publishes, on a thread of their own.

use std::io;
use std::time::{Duration, SystemTime};

use backplanes::Wake;
use chat::Time;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use wire::socketio::adapter::Dialect;

use crate::between::{Down, Up};
use crate::bridge::{Act, Bridge};
use crate::resp::{self, Reply};
use crate::url::Address;

/// How often a mark is published.
const MARK_INTERVAL: Duration = Duration::from_secs(1);
/// A Redis by which nothing is heard for so long, not even one's own marks, is not there.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// A Redis that takes nothing for so long is not there.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// How long one waits before one tries again: first, and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// What is taken from the shards at once.
const BATCH: usize = 256;

/// Whom the bridge speaks with.
pub(crate) struct Place {
    pub(crate) address: Address,
    pub(crate) from_shards: Receiver<Up>,
    pub(crate) shards: Vec<(Sender<Down>, Wake)>,
    /// Why it is not connected.
    pub(crate) faults: watch::Sender<Option<String>>,
}

/// Works until `stopped` is let fall.
pub(crate) fn run(bridge: Bridge, place: Place, stopped: oneshot::Receiver<()>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(place.faults.send(Some(error.to_string()))),
    };
    let mut service = Service { bridge, place, acts: Vec::new() };
    runtime.block_on(async {
        tokio::select! {
            () = service.work() => {}
            _ = stopped => {}
        }
    });
}

struct Service {
    bridge: Bridge,
    place: Place,
    acts: Vec<Act>,
}

/// One of the two connections.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    unsent: Vec<u8>,
}

impl Service {
    /// Connects, works, and when that has come to an end does it again.
    async fn work(&mut self) {
        let (mut patience, patience_max) = PATIENCE;
        loop {
            let began = Instant::now();
            let Err(error) = self.work_once().await;
            let _ = self.place.faults.send(Some(error.to_string()));
            patience = if began.elapsed() > SILENCE_MAX { PATIENCE.0 } else { patience.min(patience_max) };
            self.wait(patience).await;
            patience *= 2;
        }
    }

    /// Waits, and listens to the shards meanwhile. What they want told to others is not.
    async fn wait(&mut self, patience: Duration) {
        let over = sleep(patience);
        tokio::pin!(over);
        let mut said = Vec::new();
        loop {
            tokio::select! {
                () = &mut over => return,
                _ = self.place.from_shards.recv_many(&mut said, BATCH) => {}
            }
            if said.is_empty() {
                return over.await;
            }
            said.drain(..).for_each(|up| self.bridge.take(up, &mut self.acts));
            self.acts.clear();
        }
    }

    async fn work_once(&mut self) -> io::Result<std::convert::Infallible> {
        let mut listener = Connection::open(&self.place.address).await?;
        let mut publisher = Connection::open(&self.place.address).await?;
        let circles = if self.bridge.dialect() == Dialect::Sharded { "SSUBSCRIBE" } else { "SUBSCRIBE" };
        let (patterns, plain, channels) = self.bridge.listens();
        listener.put_all("PSUBSCRIBE", &patterns);
        listener.put_all("SUBSCRIBE", &plain);
        listener.put_all(circles, &channels);
        let mut marks = interval(MARK_INTERVAL);
        marks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = Vec::new();
        let mut heard = Instant::now();
        loop {
            listener.send().await?;
            publisher.send().await?;
            tokio::select! {
                read = listener.receive() => {
                    read?;
                    heard = Instant::now();
                    while let Some(reply) = listener.next()? {
                        self.hear(reply)?;
                    }
                    self.bridge.mark(false, &mut self.acts);
                }
                read = publisher.receive() => {
                    read?;
                    while let Some(reply) = publisher.next()? {
                        complain(&reply)?;
                    }
                }
                _ = self.place.from_shards.recv_many(&mut said, BATCH) => {
                    said.drain(..).for_each(|up| self.bridge.take(up, &mut self.acts));
                }
                _ = marks.tick() => {
                    if heard.elapsed() > SILENCE_MAX {
                        return Err(io::Error::other("nothing was heard from Redis"));
                    }
                    self.bridge.mark(true, &mut self.acts);
                }
            }
            self.perform(&mut listener, &mut publisher).await;
        }
    }

    /// Takes what the listening connection was sent.
    fn hear(&mut self, reply: Reply) -> io::Result<()> {
        complain(&reply)?;
        let Reply::Array(parts) = reply else { return Ok(()) };
        let bytes: Vec<&[u8]> =
            parts.iter().map(|part| if let Reply::Bytes(bytes) = part { &**bytes } else { b"" }).collect();
        let (channel, payload) = match bytes[..] {
            [b"pmessage", _, channel, payload] => (channel, payload),
            [b"message" | b"smessage", channel, payload] => (channel, payload),
            [kind @ (b"subscribe" | b"ssubscribe" | b"psubscribe"), channel, _] => {
                self.place.faults.send_if_modified(|fault| fault.take().is_some());
                let channel = std::str::from_utf8(channel).ok();
                self.bridge.listening(channel.filter(|_| kind != b"psubscribe"));
                return Ok(());
            }
            _ => return Ok(()),
        };
        if let Ok(channel) = std::str::from_utf8(channel) {
            self.bridge.hear(channel, payload, now(), &mut self.acts);
        }
        Ok(())
    }

    async fn perform(&mut self, listener: &mut Connection, publisher: &mut Connection) {
        let is_sharded = self.bridge.dialect() == Dialect::Sharded;
        let (publish, listen, quit): (&str, &str, &str) = match is_sharded {
            true => ("SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE"),
            false => ("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE"),
        };
        for act in self.acts.drain(..) {
            match act {
                Act::Publish(channel, bytes) => publisher.put(publish, &[channel.as_bytes(), &bytes]),
                Act::Mark(channel, mark) => publisher.put("PUBLISH", &[channel.as_bytes(), mark.as_bytes()]),
                Act::Listen(channel) => listener.put(listen, &[channel.as_bytes()]),
                Act::Ignore(channel) => listener.put(quit, &[channel.as_bytes()]),
                Act::Tell(shard, down) => {
                    let (sender, wake) = &self.place.shards[usize::from(shard)];
                    // A shard that has ended is told nothing.
                    if sender.send(down).await.is_ok() {
                        wake();
                    }
                }
            }
        }
    }
}

impl Connection {
    async fn open(address: &Address) -> io::Result<Self> {
        let stream =
            timeout(WRITE_MAX, TcpStream::connect(&address.target)).await.map_err(io::Error::other)??;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream, received: Vec::new(), unsent: Vec::new() };
        match &address.credentials {
            None => {}
            Some((user, password)) if user.is_empty() => connection.put("AUTH", &[password.as_bytes()]),
            Some((user, password)) => connection.put("AUTH", &[user.as_bytes(), password.as_bytes()]),
        }
        Ok(connection)
    }

    fn put(&mut self, command: &str, arguments: &[&[u8]]) {
        let parts: Vec<&[u8]> =
            std::iter::once(command.as_bytes()).chain(arguments.iter().copied()).collect();
        resp::write_command(&parts, &mut self.unsent);
    }

    /// In a cluster of Redis each channel may be another node's, so each is asked for by itself.
    fn put_all(&mut self, command: &str, arguments: &[String]) {
        arguments.iter().for_each(|argument| self.put(command, &[argument.as_bytes()]));
    }

    async fn send(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let sent = timeout(WRITE_MAX, self.stream.write_all(&self.unsent)).await;
        self.unsent.clear();
        sent.map_err(io::Error::other)?
    }

    /// Waits for more bytes. Nothing is lost when it is not waited for to the end.
    async fn receive(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            _ => Ok(()),
        }
    }

    /// The next reply that is whole.
    fn next(&mut self) -> io::Result<Option<Reply>> {
        let malformed = |_| io::Error::other("what Redis says is not RESP");
        let Some((reply, length)) = resp::read(&self.received).map_err(malformed)? else { return Ok(None) };
        self.received.drain(..length);
        Ok(Some(reply))
    }
}

/// An error that Redis answers ends the connection: everything after it would be wrong.
fn complain(reply: &Reply) -> io::Result<()> {
    match reply {
        Reply::Error(text) => Err(io::Error::other(text.clone())),
        _ => Ok(()),
    }
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Time(since.map_or(0, |since| since.as_millis() as u64))
}
