//! A Redis Cluster as one broker: which master has what is learnt, requests go to the masters that have their rooms, and each master is listened
//! to for the rooms it has. A master that is away takes only what it has along.

mod branch;
mod ear;
mod members;
mod requests;
mod slots;
mod tuning;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::RedisResult;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::AbortHandle;

use self::branch::{Branch, For, Happening, Part, Told, Tuning};
use self::requests::Requests;
use self::slots::{Map, Share};
use self::tuning::Channels;
use super::lines::{Batch, Event, Gone, Mouth, REST};
use super::wording::Wording;
use crate::redis::broker::{Channel, Line, Reply, Request, is_one_life};

pub(super) use self::members::Members;
pub(super) use self::slots::Place;

/// What happened at the masters and was not looked at.
const HAPPENINGS_MAX: usize = 256;
/// How often it is asked who has what while that is in doubt.
const LEARN: Duration = Duration::from_millis(200);
/// A master that has been away for so long is spoken of.
const AWAY: Duration = Duration::from_secs(1);

/// A cluster's end in the service.
pub(super) struct Ends {
    pub(super) members: Arc<Members>,
    pub(super) wording: Arc<Wording>,
    pub(super) commands: UnboundedReceiver<Batch>,
    pub(super) listener: UnboundedReceiver<Batch>,
    pub(super) mouth: Mouth,
}

impl Ends {
    async fn tell_cut(&self, reason: Gone) -> Result<(), Gone> {
        self.mouth.tell(Event::Cut { line: Line::Listener, reason: reason.clone() }).await?;
        self.mouth.tell(Event::Cut { line: Line::Commands, reason }).await
    }

    /// Rests, and throws away what was asked of lines that are gone.
    async fn rest(&mut self) {
        tokio::time::sleep(REST).await;
        while self.commands.try_recv().is_ok() {}
        while self.listener.try_recv().is_ok() {}
    }
}

/// Keeps both lines to a cluster, which are there as long as any master is.
pub(super) async fn keep(mut ends: Ends) {
    for generation in 1.. {
        let (told, happenings) = channel(HAPPENINGS_MAX);
        let reason = match ends.members.learn(&ends.members.seeds).await {
            Ok(shares) => {
                let mut cluster = Cluster::new(&ends, generation, told);
                cluster.adopt(shares);
                cluster.work(&mut ends, happenings).await.err().unwrap_or_default()
            }
            Err(error) => error.to_string(),
        };
        if ends.tell_cut(reason).await.is_err() || ends.commands.is_closed() {
            return;
        }
        ends.rest().await;
    }
}

/// Who has what, as a server says.
type Learnt = RedisResult<Vec<Share>>;

/// The masters of a cluster, and what is under way between them and the machine.
struct Cluster {
    generation: u64,
    members: Arc<Members>,
    wording: Arc<Wording>,
    mouth: Mouth,
    told: Sender<Told>,
    learnt: (Sender<Learnt>, Receiver<Learnt>),
    map: Map,
    masters: BTreeMap<usize, Master>,
    branches: u64,
    requests: Requests,
    channels: Channels,
    /// For the machine.
    replies: Vec<(u64, Reply)>,
    unheard: Vec<Channel>,
    /// Since when a master has been gone whose place another life takes, which may lack the end of what was accepted.
    succeeds: Option<Instant>,
    /// It may have changed who has what.
    is_in_doubt: bool,
    is_learning: bool,
    /// Which masters are away, as it was told.
    away: Option<String>,
}

/// A master that has slots.
struct Master {
    branch: u64,
    task: AbortHandle,
    parts: UnboundedSender<For<Vec<Part>>>,
    tunings: UnboundedSender<For<Tuning>>,
    gathered: Vec<Part>,
    state: State,
    /// The run it was in when it was there last.
    run_before: Option<Arc<str>>,
}

/// How it is with a master.
#[derive(PartialEq)]
enum State {
    /// It has not been reached yet, and not failed to be.
    New,
    Up {
        life: u64,
        run: Arc<str>,
    },
    Down {
        since: Instant,
        reason: Gone,
    },
}

impl Master {
    fn life(&self) -> Option<u64> {
        if let State::Up { life, .. } = self.state { Some(life) } else { None }
    }

    fn tune(&self, tuning: Tuning) {
        if let Some(life) = self.life() {
            // A branch ends only when its master is let go.
            let _ = self.tunings.send(For { life, what: tuning });
        }
    }

    fn send(&mut self) {
        let parts = std::mem::take(&mut self.gathered);
        if let Some(life) = self.life().filter(|_| !parts.is_empty()) {
            let _ = self.parts.send(For { life, what: parts });
        }
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Cluster {
    fn new(ends: &Ends, generation: u64, told: Sender<Told>) -> Self {
        Self {
            generation,
            members: ends.members.clone(),
            wording: ends.wording.clone(),
            mouth: ends.mouth.clone(),
            told,
            learnt: channel(1),
            map: Map::new(),
            masters: BTreeMap::new(),
            branches: 0,
            requests: Requests::default(),
            channels: Channels::default(),
            replies: Vec::new(),
            unheard: Vec::new(),
            succeeds: None,
            is_in_doubt: false,
            is_learning: false,
            away: None,
        }
    }

    /// Waits for all masters to be reached or not, then does what it is asked until there is no master.
    async fn work(&mut self, ends: &mut Ends, mut happenings: Receiver<Told>) -> Result<(), Gone> {
        while self.masters.values().any(|master| master.state == State::New) {
            self.take(happenings.recv().await.ok_or("the branches have ended")?);
        }
        self.check_masters()?;
        for line in [Line::Commands, Line::Listener] {
            let run = self.runs();
            ends.mouth.tell(Event::Up { line, run, generation: self.generation }).await?;
        }
        let mut look = tokio::time::interval(LEARN);
        loop {
            tokio::select! {
                batch = ends.commands.recv() => self.ask_all(batch.ok_or("the service has ended")?)?,
                batch = ends.listener.recv() => self.tune_all(batch.ok_or("the service has ended")?)?,
                told = happenings.recv() => self.take(told.ok_or("the branches have ended")?),
                shares = self.learnt.1.recv() => self.learn(shares.ok_or("nothing can be learnt")?),
                _ = look.tick() => self.look(ends).await?,
            }
            while let Ok(batch) = ends.commands.try_recv() {
                self.ask_all(batch)?;
            }
            self.masters.values_mut().for_each(Master::send);
            if !self.replies.is_empty() {
                ends.mouth.tell(Event::Replies(std::mem::take(&mut self.replies))).await?;
            }
            if !self.unheard.is_empty() {
                ends.mouth.tell(Event::Unheard(std::mem::take(&mut self.unheard))).await?;
            }
            if let Some(since) =
                self.succeeds.take_if(|_| self.masters.values().all(|master| master.life().is_some()))
            {
                ends.mouth.tell(Event::Succeeded(since.elapsed())).await?;
            }
            self.check_masters()?;
        }
    }

    /// Which lives of the masters these are, for the machine. Requests say which one's it is.
    fn runs(&self) -> String {
        let run = |master: &Master| {
            if let State::Up { run, .. } = &master.state { run.to_string() } else { String::new() }
        };
        let mut runs: Vec<_> = self.masters.values().map(run).collect();
        runs.sort_unstable();
        runs.join("+")
    }

    /// Without any master there is no cluster.
    fn check_masters(&self) -> Result<(), Gone> {
        let mut reason = "no master has slots".to_owned();
        for (number, master) in &self.masters {
            match &master.state {
                State::Up { .. } | State::New => return Ok(()),
                State::Down { reason: why, .. } => reason = format!("{}: {why}", self.map.place(*number)),
            }
        }
        Err(reason)
    }

    fn ask_all(&mut self, batch: Batch) -> Result<(), Gone> {
        for (id, request) in batch.requests {
            if batch.generation != self.generation {
                continue;
            }
            if let Request::Redial(_) = request {
                return Err("it was of no use".to_owned());
            }
            self.ask(id, request);
        }
        Ok(())
    }

    fn tune_all(&mut self, batch: Batch) -> Result<(), Gone> {
        for (id, request) in batch.requests {
            match request {
                _ if batch.generation != self.generation => {}
                Request::Listen(channels) => self.listen(id, channels),
                Request::Unlisten(channels) => self.unlisten(channels),
                _ => return Err("it was of no use".to_owned()),
            }
        }
        Ok(())
    }

    fn take(&mut self, told: Told) {
        let Told { master: number, branch, what } = told;
        let Some(master) = self.masters.get_mut(&number).filter(|master| master.branch == branch) else {
            return;
        };
        match what {
            Happening::Up { life, run } => {
                tracing::info!(place = %self.map.place(number), "a master of the cluster is there");
                let is_another = master.run_before.as_ref().is_some_and(|before| !is_one_life(before, &run));
                if let State::Down { since, .. } = master.state
                    && is_another
                {
                    self.succeeds.get_or_insert(since);
                }
                master.state = State::Up { life, run: run.into() };
            }
            Happening::Down { reason } => self.lose(number, reason),
            Happening::Answers(answers) => {
                answers.into_iter().for_each(|answer| self.answered(number, answer));
                self.proceed();
            }
            Happening::Tuned(tuned) => self.tuned(number, tuned),
        }
    }

    /// A master is away.
    fn lose(&mut self, number: usize, reason: Gone) {
        let Some(master) = self.masters.get_mut(&number) else { return };
        if !matches!(master.state, State::Down { .. }) {
            tracing::warn!(place = %self.map.place(number), reason, "a master of the cluster is away");
            let down = State::Down { since: Instant::now(), reason };
            if let State::Up { run, .. } = std::mem::replace(&mut master.state, down) {
                master.run_before = Some(run);
            }
        }
        master.gathered.clear();
        self.give_up(number);
    }

    /// What is under way at a master is not answered any more, and nothing is heard there.
    fn give_up(&mut self, number: usize) {
        for id in self.requests.at(number) {
            self.unanswered(id);
        }
        self.proceed();
        let lost = self.channels.lose(number, &mut self.replies);
        self.unheard.extend(lost);
    }

    /// Looks who is away, and asks who has what if that is in doubt.
    async fn look(&mut self, ends: &Ends) -> Result<(), Gone> {
        let down = self.masters.values().any(|master| master.life().is_none());
        if (self.is_in_doubt || down) && !self.is_learning {
            self.is_learning = true;
            let (members, learnt) = (self.members.clone(), self.learnt.0.clone());
            let places = self.places_to_ask();
            // Who asked may not want to know any more.
            tokio::spawn(async move { drop(learnt.send(members.learn(&places).await).await) });
        }
        let away = self.who_is_away();
        if away != self.away {
            self.away.clone_from(&away);
            ends.mouth.tell(Event::Partial(away)).await?;
        }
        Ok(())
    }

    /// Those that are there first, by turns.
    fn places_to_ask(&self) -> Vec<Place> {
        let is_up = |number: &usize| self.masters.get(number).is_some_and(|master| master.life().is_some());
        let mut up: Vec<_> = (0..self.map.places().len()).filter(is_up).collect();
        let turn = self.requests.count() as usize % up.len().max(1);
        up.rotate_left(turn);
        let up = up.into_iter().map(|number| self.map.place(number));
        let others = self.map.places().iter().chain(&self.members.seeds);
        let mut places: Vec<Place> = Vec::new();
        for place in up.chain(others) {
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
        places
    }

    fn who_is_away(&self) -> Option<String> {
        let now = Instant::now();
        let mut away = Vec::new();
        for (number, master) in &self.masters {
            if let State::Down { since, reason } = &master.state
                && now >= *since + AWAY
            {
                away.push(format!("the master at {} is away: {reason}", self.map.place(*number)));
            }
        }
        if away.is_empty() && self.map.has_holes() {
            away.push("some slots have no master".to_owned());
        }
        (!away.is_empty()).then(|| away.join("; "))
    }

    fn learn(&mut self, shares: Learnt) {
        self.is_learning = false;
        match shares {
            Ok(shares) => self.adopt(shares),
            Err(error) => tracing::debug!(%error, "who has what could not be learnt"),
        }
    }

    /// Takes over who has what.
    fn adopt(&mut self, shares: Vec<Share>) {
        self.is_in_doubt = false;
        if !self.map.learn(shares) {
            return;
        }
        let owners = self.map.owners();
        let known: Vec<_> = self.masters.keys().copied().collect();
        for number in known.into_iter().filter(|number| !owners.contains(number)) {
            let gone = self.masters.remove(&number);
            let down = gone
                .and_then(|gone| if let State::Down { since, .. } = gone.state { Some(since) } else { None });
            self.succeeds.get_or_insert(down.unwrap_or_else(Instant::now));
            self.give_up(number);
        }
        for number in owners {
            if !self.masters.contains_key(&number) {
                let master = self.branch_out(number);
                self.masters.insert(number, master);
            }
        }
        let moved = self.channels.moved(&self.map, &self.wording);
        self.unheard.extend(moved);
    }

    fn branch_out(&mut self, number: usize) -> Master {
        self.branches += 1;
        let (parts, to_send) = unbounded_channel();
        let (tunings, to_tune) = unbounded_channel();
        let branch = Branch {
            master: number,
            number: self.branches,
            place: self.map.place(number).clone(),
            members: self.members.clone(),
            wording: self.wording.clone(),
            parts: to_send,
            tunings: to_tune,
            told: self.told.clone(),
            mouth: self.mouth.clone(),
        };
        let task = tokio::spawn(branch.keep()).abort_handle();
        Master {
            branch: self.branches,
            task,
            parts,
            tunings,
            gathered: Vec::new(),
            state: State::New,
            run_before: None,
        }
    }

    /// The master that has a slot, if it is there.
    fn owner(&self, slot: u16) -> Option<(usize, &Master)> {
        let number = self.map.owner(slot)?;
        let master = self.masters.get(&number)?;
        master.life().map(|_| (number, master))
    }
}
