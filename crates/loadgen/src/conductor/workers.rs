//! The worker processes: this same program, started again, spoken to over pipes.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::exchange::{Account, Order};
use crate::options::Run;

pub(super) struct Workers {
    workers: Vec<Worker>,
    accounts: Receiver<(usize, io::Result<Account>)>,
}

struct Worker {
    process: Child,
    /// `None` once dismissed.
    orders: Option<ChildStdin>,
}

impl Workers {
    pub(super) fn start(run: &Run) -> io::Result<Self> {
        let (sender, accounts) = channel();
        let numbers = 0..run.common.processes;
        let workers = numbers.map(|number| Worker::start(run, number, sender.clone()));
        Ok(Self { workers: workers.collect::<io::Result<_>>()?, accounts })
    }

    pub(super) fn count(&self) -> usize {
        self.workers.len()
    }

    pub(super) fn tell_all(&mut self, order: &Order) -> io::Result<()> {
        let line = format!("{}\n", serde_json::to_string(order)?);
        let mut orders = self.workers.iter_mut().filter_map(|worker| worker.orders.as_mut());
        orders.try_for_each(|orders| orders.write_all(line.as_bytes()))
    }

    /// The next account of any worker; `None` when there was none in time.
    pub(super) fn hear(&self, timeout: Duration) -> io::Result<Option<(usize, Account)>> {
        match self.accounts.recv_timeout(timeout) {
            Ok((worker, account)) => Ok(Some((worker, account?))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("all workers have stopped")),
        }
    }

    /// Lets everybody go and waits until the processes have ended.
    pub(super) fn dismiss(&mut self) -> io::Result<()> {
        self.tell_all(&Order::Leave)?;
        for worker in &mut self.workers {
            worker.orders = None;
            let status = worker.process.wait()?;
            if !status.success() {
                return Err(io::Error::other(format!("a worker ended with {status}")));
            }
        }
        Ok(())
    }
}

impl Drop for Workers {
    /// A worker stops when its orders end; none is left behind by a run that fails.
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.orders = None;
            let _ = worker.process.wait();
        }
    }
}

impl Worker {
    fn start(run: &Run, number: u32, accounts: Sender<(usize, io::Result<Account>)>) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut process =
            Command::new(program).arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(mut orders), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::Error::other("a worker was started without its pipes"));
        };
        writeln!(orders, "{}", serde_json::to_string(&run.plan(number))?)?;
        std::thread::spawn(move || pass_on(number as usize, output, &accounts));
        Ok(Self { process, orders: Some(orders) })
    }
}

fn pass_on(worker: usize, output: ChildStdout, accounts: &Sender<(usize, io::Result<Account>)>) {
    for line in BufReader::new(output).lines() {
        let account = line.and_then(|line| Ok(serde_json::from_str(&line)?));
        if accounts.send((worker, account)).is_err() {
            return;
        }
    }
    // Nobody listens any more when the worker was dismissed; otherwise it has died.
    let _ = accounts.send((worker, Err(io::Error::other(format!("worker {worker} has stopped")))));
}
