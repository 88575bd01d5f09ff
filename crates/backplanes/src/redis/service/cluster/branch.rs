//! One master of a cluster: a connection for commands, and one that publications are heard on. Both are made again when either is gone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, PushInfo, RedisResult, Value, cmd};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};
use tokio::time::timeout;

use super::ear::Ear;
use super::members::Members;
use super::slots::Place;
use crate::redis::broker::Channel;
use crate::redis::service::address::{DIAL_TIMEOUT, dial, in_time, is_still};
use crate::redis::service::lines::{
    BATCHES_MAX, Gone, LOOK, Mouth, Publications, REST, WAITING_BATCHES_MAX, prepare,
};
use crate::redis::service::wording::Wording;

/// A master that says nothing for so long is none.
const SILENCE: Duration = Duration::from_secs(2);
/// What a master has sent and nobody has looked at. More than this, and it has to be asked again for what was missed.
const PUSHES_MAX: usize = 64 * 1024;

/// A command for a master.
pub(super) struct Part {
    /// The request that it is a part of.
    pub(super) id: u64,
    pub(super) command: Cmd,
    /// It is for a slot that is on its way to this master, which another one said to ask.
    pub(super) is_redirected: bool,
    pub(super) is_post: bool,
}

/// Something for the connections of a life; those of others throw it away.
pub(super) struct For<T> {
    pub(super) life: u64,
    pub(super) what: T,
}

/// Channels to listen to, or to listen to no more.
pub(super) enum Tuning {
    Listen(Vec<Channel>),
    Unlisten(Vec<Channel>),
}

/// The answer to a part.
pub(super) struct Answer {
    pub(super) id: u64,
    pub(super) value: Value,
    pub(super) is_replicated: bool,
}

/// What happens at a master.
pub(super) enum Happening {
    /// Its connections are there, for the so-many-th time, and this is the run it is in.
    Up {
        life: u64,
        run: String,
    },
    /// They are gone, or cannot be made.
    Down {
        reason: Gone,
    },
    Answers(Vec<Answer>),
    /// What became of channels.
    Tuned(Tuned),
}

/// What became of channels.
#[derive(Default)]
pub(super) struct Tuned {
    /// They are listened to.
    pub(super) heard: Vec<Channel>,
    /// The master does not let them be listened to, or not any more: their slots are another's.
    pub(super) refused: Vec<Channel>,
}

/// A happening, and where: masters are numbered as in the map, and a branch that is made anew has another number.
pub(super) struct Told {
    pub(super) master: usize,
    pub(super) branch: u64,
    pub(super) what: Happening,
}

/// A branch's own end.
pub(super) struct Branch {
    pub(super) master: usize,
    pub(super) number: u64,
    pub(super) place: Place,
    pub(super) members: Arc<Members>,
    pub(super) wording: Arc<Wording>,
    pub(super) parts: UnboundedReceiver<For<Vec<Part>>>,
    pub(super) tunings: UnboundedReceiver<For<Tuning>>,
    pub(super) told: Sender<Told>,
    pub(super) mouth: Mouth,
}

/// The connections to a master.
struct Links {
    commands: MultiplexedConnection,
    listener: MultiplexedConnection,
    pushes: Receiver<PushInfo>,
    run: String,
}

impl Branch {
    /// Keeps the connections until nobody wants to know of them any more.
    pub(super) async fn keep(mut self) {
        for life in 1.. {
            let reason = match in_time(self.connect()).await {
                Ok(links) => {
                    let up = Happening::Up { life, run: links.run.clone() };
                    if self.report().tell(up).await.is_err() {
                        return;
                    }
                    self.work(links, life).await
                }
                Err(error) => error.to_string(),
            };
            if self.report().tell(Happening::Down { reason }).await.is_err() {
                return;
            }
            tokio::time::sleep(REST).await;
        }
    }

    async fn connect(&self) -> RedisResult<Links> {
        let mut commands = dial(&self.members.client(&self.place)?).await?;
        let run = prepare(&mut commands, &self.wording).await?;
        let (pushed, pushes) = channel(PUSHES_MAX);
        // When it overflows it is let go, which ends what reads it.
        let pushed = Mutex::new(Some(pushed));
        let push = move |push: PushInfo| {
            let mut pushed = pushed.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = pushed.as_ref().map_or(Ok(()), |pushed| pushed.try_send(push));
            if matches!(sent, Err(TrySendError::Full(_))) {
                *pushed = None;
            }
            Ok::<(), ()>(())
        };
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(DIAL_TIMEOUT));
        let config = config.set_response_timeout(None).set_push_sender(push);
        let client = self.members.listening_client(&self.place)?;
        let listener = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Links { commands, listener, pushes, run })
    }

    /// Works until the connections are of no use any more.
    async fn work(&mut self, links: Links, life: u64) -> Gone {
        let Links { commands, listener, pushes, run } = links;
        let report = self.report();
        let hearing = Hearing {
            report: report.clone(),
            mouth: self.mouth.clone(),
            ear: Ear::new(self.wording.clone()),
            listener: listener.clone(),
            life,
        };
        let gone = tokio::select! {
            gone = command(&report, &self.wording, &mut self.parts, commands.clone(), life) => gone,
            gone = hearing.hear(&mut self.tunings, pushes) => gone,
            gone = look_after(commands, listener, &run) => gone,
        };
        gone.err().unwrap_or_default()
    }

    fn report(&self) -> Report {
        Report { master: self.master, branch: self.number, told: self.told.clone() }
    }
}

/// What a branch tells the cluster by.
#[derive(Clone)]
struct Report {
    master: usize,
    branch: u64,
    told: Sender<Told>,
}

impl Report {
    async fn tell(&self, what: Happening) -> Result<(), Gone> {
        let Self { master, branch, told } = self;
        let told = told.send(Told { master: *master, branch: *branch, what }).await;
        told.map_err(|_| "the cluster is let go".to_owned())
    }
}

/// The next for the connections of this life.
async fn next<T>(from: &mut UnboundedReceiver<For<T>>, life: u64) -> Result<T, Gone> {
    loop {
        let next = from.recv().await.ok_or("the cluster is let go")?;
        if next.life == life {
            return Ok(next.what);
        }
    }
}

/// Ends when the master is not what it was, or says nothing.
async fn look_after(
    mut commands: MultiplexedConnection,
    mut listener: MultiplexedConnection,
    run: &str,
) -> Result<(), Gone> {
    let silent = |_| "it says nothing".to_owned();
    loop {
        tokio::time::sleep(LOOK).await;
        match timeout(SILENCE, is_still(&mut commands, run)).await.map_err(silent)? {
            Ok(true) => {}
            Ok(false) => return Err("it is not the master that it was".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        let ping = cmd("PING");
        let ping = ping.query_async::<Value>(&mut listener);
        timeout(SILENCE, ping).await.map_err(silent)?.map_err(|error| error.to_string())?;
    }
}

/// Sends parts and tells the answers.
async fn command(
    report: &Report,
    wording: &Arc<Wording>,
    parts: &mut UnboundedReceiver<For<Vec<Part>>>,
    connection: MultiplexedConnection,
    life: u64,
) -> Result<(), Gone> {
    let most = if wording.waits_for_replicas() { WAITING_BATCHES_MAX } else { BATCHES_MAX };
    let mut under_way = FuturesOrdered::new();
    loop {
        tokio::select! {
            parts = next(parts, life), if under_way.len() < most => {
                under_way.push_back(send(wording.clone(), connection.clone(), parts?));
            }
            Some(answers) = under_way.next(), if !under_way.is_empty() => {
                let answers: RedisResult<Vec<Answer>> = answers;
                report.tell(Happening::Answers(answers.map_err(|error| error.to_string())?)).await?;
            }
        }
    }
}

fn send(
    wording: Arc<Wording>,
    mut connection: MultiplexedConnection,
    parts: Vec<Part>,
) -> impl Future<Output = RedisResult<Vec<Answer>>> + use<> {
    let mut pipeline = Pipeline::with_capacity(parts.len() + 1);
    let mut asked = Vec::with_capacity(parts.len());
    let has_posts = parts.iter().any(|part| part.is_post);
    for Part { id, command, is_redirected, .. } in parts {
        if is_redirected {
            pipeline.cmd("ASKING");
        }
        pipeline.add_command(command);
        asked.push((id, usize::from(is_redirected)));
    }
    let asks_replicas = has_posts && wording.ask_replicas(&mut pipeline);
    async move {
        let mut answers = connection.send_packed_commands(&pipeline, 0, pipeline.len()).await?;
        let is_replicated =
            !asks_replicas || answers.pop().is_some_and(|answer| wording.is_replicated(&answer));
        let mut answers = answers.into_iter();
        let read = |(id, before)| Some(Answer { id, value: answers.nth(before)?, is_replicated });
        Ok(asked.into_iter().map_while(read).collect())
    }
}

/// What listens at a master.
struct Hearing {
    report: Report,
    mouth: Mouth,
    ear: Ear,
    listener: MultiplexedConnection,
    life: u64,
}

impl Hearing {
    /// Listens to what it is told to, and passes on what is heard there.
    async fn hear(
        mut self,
        tunings: &mut UnboundedReceiver<For<Tuning>>,
        mut pushes: Receiver<PushInfo>,
    ) -> Result<(), Gone> {
        let mut under_way = FuturesOrdered::new();
        let connection = Arc::new(());
        let Mouth { broker, publications, .. } = self.mouth.clone();
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                push = pushes.recv(), if !self.ear.is_full() => {
                    self.ear.take(push.ok_or("it is gone, or said more than was listened to")?);
                    self.drain(&mut pushes);
                }
                tuning = next(tunings, self.life) => under_way.extend(self.tune(tuning?)),
                Some((names, answers)) = under_way.next(), if !under_way.is_empty() => {
                    let answers: RedisResult<Vec<Value>> = answers;
                    self.drain(&mut pushes);
                    self.ear.answered(&names, &answers.map_err(|error| error.to_string())?);
                }
                permit = publications.reserve(), if self.ear.has_heard() => {
                    let heard = self.ear.take_heard();
                    let listener = Arc::downgrade(&connection);
                    permit.map_err(|_| "the service has ended")?.send(Publications { broker, listener, heard });
                }
                _ = look.tick() => {
                    let now = Instant::now();
                    if self.ear.waits_since().is_some_and(|since| now >= since + SILENCE) {
                        return Err("it does not say whether it is listened to".to_owned());
                    }
                }
            }
            if let Some(tuned) = self.ear.take_tuned() {
                self.report.tell(Happening::Tuned(tuned)).await?;
            }
        }
    }

    fn drain(&mut self, pushes: &mut Receiver<PushInfo>) {
        while !self.ear.is_full()
            && let Ok(push) = pushes.try_recv()
        {
            self.ear.take(push);
        }
    }

    /// One command for each channel, so that each has one answer.
    fn tune(
        &mut self,
        tuning: Tuning,
    ) -> Option<impl Future<Output = (Vec<String>, RedisResult<Vec<Value>>)> + use<>> {
        let (verb, names) = match tuning {
            Tuning::Listen(channels) => ("SSUBSCRIBE", self.ear.seek(&channels, Instant::now())),
            Tuning::Unlisten(channels) => ("SUNSUBSCRIBE", self.ear.leave(&channels)),
        };
        let mut pipeline = Pipeline::with_capacity(names.len());
        for name in &names {
            pipeline.cmd(verb).arg(name);
        }
        let mut listener = self.listener.clone();
        (!names.is_empty()).then_some(async move {
            let answers = listener.send_packed_commands(&pipeline, 0, pipeline.len()).await;
            (names, answers)
        })
    }
}
