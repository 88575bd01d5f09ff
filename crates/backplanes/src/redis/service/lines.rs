//! The connections to one broker: each is made again whenever it is gone, and says so.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{Pipeline, RedisResult, Value};
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

use super::address::{Single, dial, in_time, is_still, run_of};
use super::wording::{Asked, What, Wording};
use crate::redis::broker::{Channel, Heard, Line, Reply, Request};

/// Between two attempts to make a connection.
pub(super) const REST: Duration = Duration::from_millis(200);
/// How often it is looked whether a broker is still what it was.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// Requests sent at once.
const REQUESTS_AT_ONCE: usize = 512;
/// Batches of requests under way. The library keeps them in order as long as they are fewer than its own queue holds.
pub(super) const BATCHES_MAX: usize = 16;
/// And where each waits for replicas, which Redis does before it looks at anything else on the connection: leases would end behind many.
pub(super) const WAITING_BATCHES_MAX: usize = 1;
/// Channels subscribed to at once.
const CHANNELS_AT_ONCE: usize = 512;
/// Publications told at once.
const HEARD_AT_ONCE: usize = 512;
/// What Redis says when there is no use in asking it again.
const USELESS: [&str; 5] = ["READONLY", "LOADING", "MASTERDOWN", "NOSCRIPT", "CLUSTERDOWN"];

/// What happens on the lines of a broker.
#[derive(Debug)]
pub(super) enum Event {
    /// A line is there, for the so-many-th time.
    Up { line: Line, run: String, generation: u64 },
    /// It is gone.
    Cut { line: Line, reason: String },
    /// Answers.
    Replies(Vec<(u64, Reply)>),
    /// These channels are not listened to any more, although the line is there.
    Unheard(Vec<Channel>),
    /// A part of the broker that had been gone for so long has begun another life.
    Succeeded(Duration),
    /// What is wrong with a part of the broker, although the lines are there; `None`: nothing.
    Partial(Option<String>),
    /// Another master has taken over.
    Switched,
}

/// What was heard on a listener.
#[derive(Debug)]
pub(super) struct Publications {
    pub(super) broker: usize,
    /// There as long as the connection that it was heard on.
    pub(super) listener: Weak<()>,
    pub(super) heard: Vec<(Channel, Heard)>,
}

/// Requests for a line. Those for a former generation of it are thrown away.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) generation: u64,
    pub(super) requests: Vec<(u64, Request)>,
}

/// What a broker's lines tell the service by.
#[derive(Clone)]
pub(super) struct Mouth {
    pub(super) broker: usize,
    pub(super) events: Sender<(usize, Event)>,
    pub(super) publications: Sender<Publications>,
}

impl Mouth {
    pub(super) async fn tell(&self, event: Event) -> Result<(), Gone> {
        self.events.send((self.broker, event)).await.map_err(|_| ended())
    }

    /// Tells what was heard on a listener, which is there as long as its connection.
    pub(super) async fn publish(&self, heard: Vec<(Channel, Heard)>, listener: &Arc<()>) -> Result<(), Gone> {
        let publications = Publications { broker: self.broker, listener: Arc::downgrade(listener), heard };
        self.publications.send(publications).await.map_err(|_| ended())
    }
}

fn ended() -> Gone {
    "the service has ended".to_owned()
}

/// A line's end in the service.
pub(super) struct Ends {
    pub(super) address: Arc<Single>,
    pub(super) wording: Arc<Wording>,
    pub(super) batches: UnboundedReceiver<Batch>,
    pub(super) mouth: Mouth,
}

/// Why a line ends: the service has, or it is to be made again.
pub(super) type Gone = String;

impl Ends {
    /// Rests, and throws away what was asked of a line that is gone. Says whether to go on.
    async fn rest(&mut self) -> bool {
        tokio::time::sleep(REST).await;
        while self.batches.try_recv().is_ok() {}
        !self.batches.is_closed() && !self.mouth.events.is_closed()
    }

    /// The next requests for this generation of the line.
    async fn next(&mut self, generation: u64) -> Result<Vec<(u64, Request)>, Gone> {
        loop {
            let batch = self.batches.recv().await.ok_or_else(ended)?;
            if batch.generation == generation {
                return Ok(batch.requests);
            }
        }
    }
}

/// Keeps the line for commands.
pub(super) async fn keep_commands(mut ends: Ends) {
    let mut generation = 0;
    loop {
        generation += 1;
        let reason = match in_time(connect(&ends)).await {
            Ok((connection, run)) => {
                let up = Event::Up { line: Line::Commands, run: run.clone(), generation };
                if ends.mouth.tell(up).await.is_err() {
                    return;
                }
                tokio::select! {
                    gone = command(&mut ends, connection.clone(), &run, generation) => gone.err().unwrap_or_default(),
                    gone = look_after(connection, &run) => gone,
                }
            }
            Err(error) => error.to_string(),
        };
        if ends.mouth.tell(Event::Cut { line: Line::Commands, reason }).await.is_err() || !ends.rest().await {
            return;
        }
    }
}

async fn connect(ends: &Ends) -> RedisResult<(MultiplexedConnection, String)> {
    let client = ends.address.client().await?;
    let mut connection = dial(&client).await?;
    let run = prepare(&mut connection, &ends.wording).await?;
    Ok((connection, run))
}

/// Gives a broker the scripts. Returns which run it is in.
pub(super) async fn prepare(
    connection: &mut MultiplexedConnection,
    wording: &Wording,
) -> RedisResult<String> {
    let run = run_of(connection).await?;
    let mut load = Pipeline::new();
    for script in wording.scripts.all() {
        load.cmd("SCRIPT").arg("LOAD").arg(&script.text);
    }
    load.query_async::<Vec<String>>(connection).await?;
    Ok(run)
}

/// Ends when the broker is not what it was: a master that has been a replica for a moment closes no connection, and may have less than it had.
async fn look_after(mut connection: MultiplexedConnection, run: &str) -> Gone {
    loop {
        tokio::time::sleep(LOOK).await;
        match is_still(&mut connection, run).await {
            Ok(true) => {}
            Ok(false) => return "it is another master than it was".to_owned(),
            Err(error) => return error.to_string(),
        }
    }
}

/// A batch that was sent: the numbers of its requests, how they were asked, and whether the replicas were asked for.
struct Sent {
    asked: Vec<(u64, Asked)>,
    asks_replicas: bool,
    answers: RedisResult<Vec<Value>>,
}

/// Asks what is to be asked, and tells the answers, until the line is gone.
async fn command(
    ends: &mut Ends,
    connection: MultiplexedConnection,
    run: &str,
    generation: u64,
) -> Result<(), Gone> {
    let most = if ends.wording.waits_for_replicas() { WAITING_BATCHES_MAX } else { BATCHES_MAX };
    // As many requests are under way in few batches as in many.
    let at_once = REQUESTS_AT_ONCE * BATCHES_MAX / most;
    let (mut waiting, mut under_way) = (Vec::new(), FuturesOrdered::new());
    loop {
        tokio::select! {
            // Also while nothing more may be sent: on a connection that has fallen silent only a redial helps.
            requests = ends.next(generation) => {
                let first = waiting.len();
                waiting.extend(requests?);
                while waiting.len() < at_once
                    && let Ok(batch) = ends.batches.try_recv()
                {
                    waiting.extend(batch.requests.into_iter().filter(|_| batch.generation == generation));
                }
                if waiting[first..].iter().any(|(_, request)| matches!(request, Request::Redial(_))) {
                    return Err("it was of no use".to_owned());
                }
            }
            Some(sent) = under_way.next(), if !under_way.is_empty() => {
                let (replies, is_useless) = read(&ends.wording, sent)?;
                ends.mouth.tell(Event::Replies(replies)).await?;
                if let Some(reason) = is_useless {
                    return Err(reason);
                }
            }
        }
        while under_way.len() < most && !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(at_once));
            let requests = std::mem::replace(&mut waiting, rest);
            under_way.push_back(send(&ends.wording, connection.clone(), run, requests));
        }
    }
}

fn send(
    wording: &Wording,
    mut connection: MultiplexedConnection,
    run: &str,
    requests: Vec<(u64, Request)>,
) -> impl Future<Output = Sent> + use<> {
    let mut pipeline = Pipeline::with_capacity(requests.len() + 1);
    let mut asked = Vec::with_capacity(requests.len());
    for (id, request) in requests {
        asked.extend(wording.ask(request, run, &mut pipeline).map(|how| (id, how)));
    }
    let is_post = |(_, asked): &(u64, Asked)| asked.what == What::Post;
    let asks_replicas = asked.iter().any(is_post) && wording.ask_replicas(&mut pipeline);
    async move {
        let commands = pipeline.len();
        let answers = connection.send_packed_commands(&pipeline, 0, commands).await;
        Sent { asked, asks_replicas, answers }
    }
}

/// Replies, and why the line they came on is of no use any more, if so.
type Answered = (Vec<(u64, Reply)>, Option<Gone>);

/// The replies in the answers, and why the line is of no use, if it is not.
fn read(wording: &Wording, sent: Sent) -> Result<Answered, Gone> {
    let Sent { asked, asks_replicas, answers } = sent;
    let mut answers = answers.map_err(|error| error.to_string())?;
    let is_replicated = !asks_replicas || answers.pop().is_some_and(|answer| wording.is_replicated(&answer));
    let mut useless = None;
    let mut answers = answers.into_iter();
    let mut replies = Vec::with_capacity(asked.len());
    for (id, Asked { what, commands, telling }) in asked {
        let mut of_request = answers.by_ref().take(commands);
        let Some(answer) = of_request.nth(telling) else { return Err("answers are missing".to_owned()) };
        of_request.for_each(drop);
        if let Value::ServerError(error) = &answer {
            tracing::warn!(%error, ?what, "Redis refused a request");
            useless = useless.or_else(|| USELESS.contains(&error.code()).then(|| error.code().to_owned()));
        }
        let reply = match wording.read(what, answer) {
            Some(Reply::Placed { .. }) if !is_replicated => Some(Reply::Unreplicated),
            reply => reply,
        };
        replies.extend(reply.map(|reply| (id, reply)));
    }
    Ok((replies, useless))
}

/// Keeps the line on which publications are heard.
pub(super) async fn keep_listener(mut ends: Ends) {
    let mut generation = 0;
    loop {
        generation += 1;
        let reason = match in_time(subscribe(&ends)).await {
            Ok((run, sink, stream)) => {
                if ends.mouth.tell(Event::Up { line: Line::Listener, run, generation }).await.is_err() {
                    return;
                }
                listen(&mut ends, generation, sink, stream).await
            }
            Err(error) => error.to_string(),
        };
        if ends.mouth.tell(Event::Cut { line: Line::Listener, reason }).await.is_err() || !ends.rest().await {
            return;
        }
    }
}

async fn subscribe(ends: &Ends) -> RedisResult<(String, PubSubSink, PubSubStream)> {
    let client = ends.address.client().await?;
    let run = run_of(&mut dial(&client).await?).await?;
    let (sink, stream) = client.get_async_pubsub().await?.split();
    Ok((run, sink, stream))
}

/// Subscribes and hears until the line is gone.
async fn listen(ends: &mut Ends, generation: u64, mut sink: PubSubSink, stream: PubSubStream) -> Gone {
    let (wording, mouth) = (ends.wording.clone(), ends.mouth.clone());
    let connection = Arc::new(());
    let hear = async {
        let mut publications = stream.ready_chunks(HEARD_AT_ONCE);
        while let Some(publications) = publications.next().await {
            let read = |publication: redis::Msg| {
                let payload = publication.get_payload_bytes().to_vec();
                wording.hear(publication.get_channel_name(), payload)
            };
            let heard: Vec<_> = publications.into_iter().filter_map(read).collect();
            if mouth.publish(heard, &connection).await.is_err() {
                break;
            }
        }
        "the connection was closed".to_owned()
    };
    let follow = async {
        loop {
            let requests = match ends.next(generation).await {
                Ok(requests) => requests,
                Err(reason) => return reason,
            };
            for (id, request) in requests {
                if let Err(reason) = tune(ends, &mut sink, id, request).await {
                    return reason;
                }
            }
        }
    };
    tokio::select! {
        reason = hear => reason,
        reason = follow => reason,
    }
}

async fn tune(ends: &Ends, sink: &mut PubSubSink, id: u64, request: Request) -> Result<(), Gone> {
    let names = |channels: &[Channel]| -> Vec<String> {
        channels.iter().map(|channel| ends.wording.keys.channel(channel)).collect()
    };
    match request {
        Request::Listen(channels) => {
            for some in channels.chunks(CHANNELS_AT_ONCE) {
                sink.subscribe(names(some)).await.map_err(|error| error.to_string())?;
            }
            ends.mouth.tell(Event::Replies(vec![(id, Reply::Done)])).await
        }
        Request::Unlisten(channels) => {
            for some in channels.chunks(CHANNELS_AT_ONCE) {
                sink.unsubscribe(names(some)).await.map_err(|error| error.to_string())?;
            }
            Ok(())
        }
        _ => Err("it was of no use".to_owned()),
    }
}

/// Listens to the Sentinels, where there are any, for another master.
pub(super) async fn watch(address: Arc<Single>, mouth: Mouth) {
    let Single::Watched(watched) = &*address else { return };
    for number in 0.. {
        if let Ok(mut sentinel) = watched.sentinel(number).get_async_pubsub().await
            && sentinel.subscribe("+switch-master").await.is_ok()
        {
            let mut switches = sentinel.on_message();
            while let Some(switch) = switches.next().await {
                let of_ours = switch.get_payload_bytes().split(|byte| *byte == b' ').next()
                    == Some(watched.master.as_bytes());
                if of_ours && mouth.tell(Event::Switched).await.is_err() {
                    return;
                }
            }
        }
        if mouth.events.is_closed() {
            return;
        }
        tokio::time::sleep(REST * 5).await;
    }
}
