//! How the API reaches the shards of its node: by bounded mailboxes, with an answer each.

use std::time::Duration;

use chat::{Refusal, RoomId};
use shard::{Clock, Instruction, Report, ShardId, home_of};
use tokio::sync::oneshot;

use super::Api;
use super::problem::{Fault, Problem};

/// A shard that takes longer has other worries.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Called with what became of an instruction.
pub type Reply = Box<dyn FnOnce(Report) + Send>;

/// Has a shard do something. Says whether there was room for it.
pub type Instruct = Box<dyn Fn(ShardId, Instruction, Reply) -> bool + Send + Sync>;

/// The shards of a node.
pub struct Shards {
    /// How many there are.
    pub count: u16,
    /// Reaches each of them.
    pub instruct: Instruct,
    /// What they count microseconds by.
    pub clock: Clock,
}

impl Api {
    pub(super) fn shards(&self) -> Result<&Shards, Problem> {
        self.shards.get().ok_or_else(|| Fault::Starting.into())
    }

    /// How many shards there are.
    pub(super) fn shard_count(&self) -> Result<u16, Problem> {
        self.shards().map(|shards| shards.count)
    }

    /// Has a room's home do something.
    pub(super) async fn ask_home(&self, room: &RoomId, instruction: Instruction) -> Result<Report, Problem> {
        self.ask(home_of(room, self.shards()?.count), instruction).await
    }

    /// Has a shard do something.
    pub(super) async fn ask(&self, shard: ShardId, instruction: Instruction) -> Result<Report, Problem> {
        hear(self.put(shard, instruction)?).await
    }

    /// Has every shard do something.
    pub(super) async fn ask_all(&self, instruction: Instruction) -> Result<Vec<Report>, Problem> {
        let shards = (0..self.shards()?.count).map(ShardId);
        let asked = shards.map(|shard| self.put(shard, instruction.clone()));
        let asked: Vec<_> = asked.collect::<Result<_, Problem>>()?;
        let mut reports = Vec::new();
        for answer in asked {
            reports.push(hear(answer).await?);
        }
        Ok(reports)
    }

    fn put(&self, shard: ShardId, instruction: Instruction) -> Result<oneshot::Receiver<Report>, Problem> {
        let (sender, answer) = oneshot::channel();
        // Who does not wait any more is not told.
        let reply: Reply = Box::new(move |report| drop(sender.send(report)));
        match (self.shards()?.instruct)(shard, instruction, reply) {
            true => Ok(answer),
            false => Err(Refusal::Overloaded.into()),
        }
    }
}

async fn hear(answer: oneshot::Receiver<Report>) -> Result<Report, Problem> {
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(Report::Refused(refusal))) => Err(refusal.into()),
        Ok(Ok(report)) => Ok(report),
        Ok(Err(_)) | Err(_) => Err(Fault::NoAnswer.into()),
    }
}
