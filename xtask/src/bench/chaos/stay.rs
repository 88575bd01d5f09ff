//! The members' side: the generator, whose members stay, told what happens and asked for its account at the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::program::Program;
use crate::step::{Failure, Outcome};

/// How long members wait for what is missing at the end.
const DRAIN: Duration = Duration::from_secs(30);

pub(in crate::bench) struct Stay {
    generator: Child,
    tell: Option<ChildStdin>,
    /// That all are in; its end is that of the generator.
    begun: Receiver<()>,
    said: Option<JoinHandle<String>>,
    json: PathBuf,
    log: PathBuf,
}

impl Stay {
    /// Has members come with these options: where to, how many, and how much they say.
    pub(in crate::bench) fn begin(options: &str, generator: &Path, folder: &Path) -> Result<Self, Failure> {
        let (json, log) = (folder.join("account.json"), folder.join("generator.log"));
        let options = format!("steadfast {options} --drain {} --json", DRAIN.as_secs());
        let program = Program::new(generator).args(options.split(' ')).args([&json]);
        let mut generator = program.apart().start_in_talk(&log)?;
        let tell = generator.stdin.take();
        let mut output =
            BufReader::new(generator.stdout.take().ok_or_else(|| Failure::new("it says nothing"))?);
        let (begin, begun) = channel();
        let said = std::thread::spawn(move || {
            let (mut line, mut rest) = (String::new(), String::new());
            // What cannot be read is missing in the account, which is looked at in any case.
            if output.read_line(&mut line).is_ok_and(|length| length > 0) {
                let _ = begin.send(());
            }
            let _ = output.read_to_string(&mut rest);
            rest
        });
        Ok(Self { generator, tell, begun, said: Some(said), json, log })
    }

    /// Whether all are in, and posts are made.
    pub(in crate::bench) fn is_begun(&mut self) -> Result<bool, Failure> {
        match self.begun.try_recv() {
            Ok(()) => Ok(true),
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Disconnected) => Err(self.gave_up()),
        }
    }

    /// Tells the members what happens.
    pub(in crate::bench) fn tell(&mut self, what: &str) -> Outcome {
        let told = self.tell.as_mut().map_or(Ok(()), |tell| writeln!(tell, "{what}"));
        told.map_err(|_| self.gave_up())
    }

    /// Has them say no more, and waits for their account, whatever is in it.
    pub(in crate::bench) fn finish(mut self) -> Result<Value, Failure> {
        drop(self.tell.take());
        self.generator.wait()?;
        if let Some(said) = self.said.take().and_then(|said| said.join().ok()) {
            print!("{said}");
        }
        let account = std::fs::read(&self.json).map_err(|_| self.gave_up())?;
        serde_json::from_slice(&account)
            .map_err(|error| Failure::new(format!("{}: {error}", self.json.display())))
    }

    fn gave_up(&self) -> Failure {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        Failure::new(format!("the generator gave up: {}", said.trim()))
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let _ = self.generator.kill();
        let _ = self.generator.wait();
    }
}
