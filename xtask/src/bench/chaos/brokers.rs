//! A Redis that keeps what it said yes to, its replica, and three Sentinels that watch them.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::ports::free_port;
use crate::cluster::running::Running;
use crate::program::Program;
use crate::step::{Failure, Outcome};

/// What the Sentinels call the master.
const MASTER: &str = "ours";
const SENTINELS: usize = 3;
/// After how long Sentinels take a master for dead that is only slow, or restarted: not in a run.
const LONG: Duration = Duration::from_secs(60);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// All of them. The Sentinels are dropped first, so that they begin nothing when the others end.
pub(super) struct Brokers {
    sentinels: Vec<(u16, Running)>,
    redis: Vec<Redis>,
    /// Which of `redis` is the master.
    master: usize,
    /// After how long Sentinels take a master for dead that is to be.
    down_after: Duration,
}

struct Redis {
    port: u16,
    folder: PathBuf,
    running: Running,
    starts: usize,
}

impl Brokers {
    /// Starts them and waits until the Sentinels know each other and the replica.
    pub(super) fn start(down_after: Duration, folder: &Path) -> Result<Self, Failure> {
        let master = Redis::start(None, &folder.join("redis-1"))?;
        let replica = Redis::start(Some(master.port), &folder.join("redis-2"))?;
        let (sentinels, redis) = (Vec::new(), vec![master, replica]);
        let mut brokers = Self { sentinels, redis, master: 0, down_after };
        brokers.until("the replica follows", |brokers| {
            Ok(brokers.redis[1].ask(&["INFO", "replication"])?.contains("master_link_status:up"))
        })?;
        for number in 1..=SENTINELS {
            let place = folder.join(format!("sentinel-{number}"));
            brokers.sentinels.push(sentinel(brokers.redis[0].port, &place)?);
        }
        brokers.until("the Sentinels know each other", |brokers| {
            let all = format!("slaves=1,sentinels={SENTINELS}");
            for (port, _) in &brokers.sentinels {
                if !ask(*port, &["INFO", "sentinel"])?.contains(&all) {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        Ok(brokers)
    }

    /// Where nodes are told they are.
    pub(super) fn url(&self) -> String {
        let sentinels: Vec<_> = self.sentinels.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/{MASTER}", sentinels.join(","))
    }

    /// Ends the connections on which anybody listens. Says how many there were.
    pub(super) fn cut_listeners(&self) -> Result<String, Failure> {
        self.redis[self.master].ask(&["CLIENT", "KILL", "TYPE", "pubsub"])
    }

    /// Stops the master as an operator does, and starts it again. The Sentinels leave it alone.
    pub(super) fn restart(&mut self) -> Outcome {
        let master = &mut self.redis[self.master];
        master.running.ask_to_end();
        master.running.end();
        master.start_again()
    }

    /// Kills the master, and waits until the replica has taken over.
    pub(super) fn fail_over(&mut self) -> Outcome {
        self.have_patience(self.down_after)?;
        self.redis[self.master].running.kill()?;
        let next = 1 - self.master;
        let port = self.redis[next].port.to_string();
        self.until("the replica takes over", |brokers| {
            let (sentinel, _) = &brokers.sentinels[0];
            let master = ask(*sentinel, &["SENTINEL", "get-master-addr-by-name", MASTER])?;
            Ok(master.lines().any(|line| line == port))
        })?;
        self.master = next;
        self.have_patience(LONG)
    }

    /// After how long the Sentinels take the master for dead from now on.
    fn have_patience(&self, down_after: Duration) -> Outcome {
        let down_after = down_after.as_millis().to_string();
        self.sentinels.iter().try_for_each(|(port, _)| {
            ask(*port, &["SENTINEL", "SET", MASTER, "down-after-milliseconds", &down_after]).map(drop)
        })
    }

    /// What was the master comes back as it was; the Sentinels make it a replica.
    pub(super) fn bring_back(&mut self) -> Outcome {
        let former = 1 - self.master;
        self.redis[former].start_again()
    }

    fn until(&self, what: &str, is_so: impl Fn(&Self) -> Result<bool, Failure>) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self)? {
            if Instant::now() > deadline {
                return Err(Failure::new(format!("waited in vain until {what}")));
            }
            thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    }
}

impl Redis {
    fn start(master: Option<u16>, folder: &Path) -> Result<Self, Failure> {
        let port = free_port()?;
        std::fs::create_dir(folder)?;
        let follow = master.map(|port| format!("replicaof 127.0.0.1 {port}\n")).unwrap_or_default();
        let keep = "save \"\"\nappendonly yes\nappendfsync everysec\nrepl-diskless-sync-delay 0\n";
        let place = format!("port {port}\nbind 127.0.0.1\ndir {}\n", folder.display());
        // Sentinels have it written anew.
        std::fs::write(folder.join("redis.conf"), place + keep + &follow)?;
        let mut running = serve("redis-server", port, folder, 1)?;
        running.await_accepting()?;
        Ok(Self { port, folder: folder.to_owned(), running, starts: 1 })
    }

    fn start_again(&mut self) -> Outcome {
        self.starts += 1;
        self.running = serve("redis-server", self.port, &self.folder, self.starts)?;
        self.running.await_accepting()
    }

    fn ask(&self, words: &[&str]) -> Result<String, Failure> {
        ask(self.port, words)
    }
}

fn sentinel(master: u16, folder: &Path) -> Result<(u16, Running), Failure> {
    let port = free_port()?;
    std::fs::create_dir(folder)?;
    let configuration = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds {MASTER} {}\nsentinel failover-timeout {MASTER} 10000\n",
        folder.display(),
        LONG.as_millis()
    );
    std::fs::write(folder.join("redis.conf"), configuration)?;
    let mut running = serve("redis-sentinel", port, folder, 1)?;
    running.await_accepting()?;
    Ok((port, running))
}

fn serve(program: &str, port: u16, folder: &Path, start: usize) -> Result<Running, Failure> {
    let program = Program::new(program).args([folder.join("redis.conf")]);
    Running::start(program, port, &folder.join(format!("log-{start}")))
}

fn ask(port: u16, words: &[&str]) -> Result<String, Failure> {
    let answer = Program::new("redis-cli").args(["-p", &port.to_string()]).args(words).capture()?;
    Ok(answer.trim().replace('\r', ""))
}
