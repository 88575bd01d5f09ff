//! Where measurements are made: which cores the server and the generator get, how long and how often is measured, and
//! a server started fresh for every run, the contenders in turn.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use super::contender::{self, Contender};
use super::generator::{Report, Run};
use super::redis::{self, Redis};
use super::result::Raw;
use super::server::Server;
use crate::step::{Failure, Outcome};
use crate::tree;

/// The cores a process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cores {
    /// The first.
    First,
    /// The last, which is another than the first where there are two.
    Last,
    /// All of them.
    All,
}

/// Where a process runs, and whether it does so before the other programs on the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    cores: Cores,
    goes_first: bool,
    is_ahead: bool,
}

impl Place {
    /// The same, ahead of others that go first as well: for what is measured while they make noise.
    pub(super) fn ahead(self) -> Self {
        Self { is_ahead: true, ..self }
    }

    /// The command line that runs `line` there. What runs so is killed by the kernel when this program ends without having ended it.
    pub(super) fn line(self, line: Vec<String>) -> Vec<String> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let first = match (self.goes_first, self.is_ahead) {
            (true, true) => "chrt --rr 2 ",
            (true, false) => "chrt --rr 1 ",
            (false, _) => "",
        };
        let pinned = match self.cores {
            Cores::First => "taskset -c 0".to_owned(),
            Cores::Last => format!("taskset -c {}", count - 1),
            Cores::All => String::new(),
        };
        let before = format!("setpriv --pdeathsig KILL {first}{pinned}");
        before.split_whitespace().map(str::to_owned).chain(line).collect()
    }
}

/// How long, how often and how large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) runs: usize,
    pub(super) is_quick: bool,
}

impl Scale {
    pub(super) fn full(runs: usize) -> Self {
        Self { runs, is_quick: false }
    }

    pub(super) fn quick() -> Self {
        Self { runs: 1, is_quick: true }
    }

    /// So many seconds; half a one when it is quick.
    pub(super) fn seconds(&self, seconds: f64) -> f64 {
        if self.is_quick { seconds.min(0.5) } else { seconds }
    }

    /// So many members or posts; a tenth when it is quick.
    pub(super) fn size(&self, size: u32) -> u32 {
        if self.is_quick { (size / 10).max(1) } else { size }
    }
}

/// A contender in a measurement: who, with what options, on which cores.
#[derive(Clone)]
pub(super) struct Entrant {
    /// How the results name it.
    pub(super) name: String,
    pub(super) contender: &'static Contender,
    /// What the generator speaks with it.
    pub(super) protocol: &'static str,
    pub(super) options: Vec<&'static str>,
    /// Further keys of ours, as variables of its environment.
    pub(super) settings: Vec<(&'static str, String)>,
    /// Another program than the contender's, started in its way.
    pub(super) program: Option<PathBuf>,
    /// What the generator is told besides.
    pub(super) generator_words: Vec<String>,
    /// How many processes it is, and whether there is a Redis between them.
    pub(super) nodes: u32,
    pub(super) is_over_redis: bool,
    pub(super) place: Place,
    pub(super) generator_place: Place,
}

impl Entrant {
    /// The same, spoken to in another protocol.
    pub(super) fn over(self, protocol: &'static str) -> Self {
        Self { protocol, ..self }
    }

    /// The same as so many processes with a Redis between them.
    pub(super) fn spread(self, nodes: u32) -> Self {
        Self { nodes, is_over_redis: true, ..self }
    }

    /// The same with a further key of ours set.
    pub(super) fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.settings.push((variable, value.to_owned()));
        self
    }

    /// The same by another name.
    pub(super) fn called(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// A run with what the generator is told besides.
    fn extended(&self, run: &Run) -> Run {
        let mut run = run.clone();
        run.words.extend(self.generator_words.iter().cloned());
        run
    }
}

/// An entrant that runs. The nodes end before the Redis between them does.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Server>,
    pub(super) redis: Option<Redis>,
}

/// What an entrant's runs have shown.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) reports: Vec<Report>,
}

impl Shown {
    fn nothing_of(entrant: &Entrant) -> Self {
        Self { name: entrant.name.clone(), reports: Vec::new() }
    }
}

pub(super) struct Lab {
    pub(super) scale: Scale,
    /// The name of what is measured as ours; another server's when the noise of the measurement is to be seen.
    ours: String,
    is_urgent: bool,
    /// A program of ours as it was before a change, if one was named.
    pub(super) before: Option<PathBuf>,
    pub(super) folder: PathBuf,
    /// The contenders that are built and installed.
    prepared: RefCell<Vec<&'static str>>,
}

impl Lab {
    /// Makes ready what every scenario needs.
    pub(super) fn open(scale: Scale, ours: &str, is_urgent: bool) -> Result<Self, Failure> {
        contender::named(ours)?;
        let folder = tree::root().join("target/bench");
        fs::create_dir_all(&folder)?;
        contender::prepare_generator()?;
        Ok(Self {
            scale,
            ours: ours.to_owned(),
            is_urgent,
            before: None,
            folder,
            prepared: RefCell::default(),
        })
    }

    /// A contender on the first core, made ready; the generator on the last.
    pub(super) fn entrant(&self, name: &str) -> Result<Entrant, Failure> {
        let contender = contender::named(if name == "ours" { &self.ours } else { name })?;
        self.prepare(contender)?;
        let (options, settings) = (vec!["--threads", "1"], Vec::new());
        let (place, generator_place) = (self.place(Cores::First), self.place(Cores::Last));
        let (name, protocol) = (name.to_owned(), contender.protocol);
        Ok(Entrant {
            name,
            contender,
            protocol,
            options,
            settings,
            program: None,
            generator_words: Vec::new(),
            nodes: 1,
            is_over_redis: false,
            place,
            generator_place,
        })
    }

    /// A place on these cores.
    pub(super) fn place(&self, cores: Cores) -> Place {
        Place { cores, goes_first: self.is_urgent, is_ahead: false }
    }

    fn prepare(&self, contender: &'static Contender) -> Outcome {
        if !self.prepared.borrow().contains(&contender.name) {
            (contender.prepare)()?;
            self.prepared.borrow_mut().push(contender.name);
        }
        Ok(())
    }

    /// The contenders of those names, made ready; when it is quick only those that need no long build.
    pub(super) fn entrants(&self, names: &[&str]) -> Result<Vec<Entrant>, Failure> {
        let is_long = |name: &str| ["socketioxide", "axum"].contains(&name);
        let names = names.iter().filter(|name| !(self.scale.is_quick && is_long(name)));
        names.map(|name| self.entrant(name)).collect()
    }

    /// All its processes, and the Redis between them where there is one.
    pub(super) fn start(&self, entrant: &Entrant) -> Result<Cluster, Failure> {
        let start_redis = || {
            redis::install()?;
            Redis::start(entrant.place, &self.folder.join("redis.log"))
        };
        let redis = entrant.is_over_redis.then(start_redis).transpose()?;
        let name = entrant.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let start_node = |node| {
            let log = self.folder.join(format!("{name}-{node}.log"));
            Server::start(entrant, redis.as_ref().map(Redis::url), &log)
        };
        Ok(Cluster { nodes: (1..=entrant.nodes).map(start_node).collect::<Result<_, _>>()?, redis })
    }

    /// One run against a fresh server.
    pub(super) fn measure(&self, entrant: &Entrant, run: &Run) -> Result<Report, Failure> {
        let cluster = self.start(entrant)?;
        let json = self.folder.join("report.json");
        let run = entrant.extended(run);
        run.carry_out(&cluster.nodes, entrant.protocol, entrant.generator_place, &json)
    }

    /// All runs, the entrants in turn, so that a machine whose speed drifts is as unfair to each.
    pub(super) fn measure_in_turn(
        &self,
        entrants: &[Entrant],
        run: &Run,
        times: usize,
    ) -> Result<Vec<Shown>, Failure> {
        let mut shown = entrants.iter().map(Shown::nothing_of).collect::<Vec<_>>();
        for _ in 0..times {
            for (entrant, shown) in entrants.iter().zip(&mut shown) {
                shown.reports.push(self.measure(entrant, run)?);
            }
        }
        Ok(shown)
    }

    /// All runs, in each of them all entrants at once on the same core: whatever the machine does meanwhile, it does to each. It tells costs
    /// apart that are closer than two runs of the same program are. All together must leave the core time to spare, and their latencies say
    /// nothing.
    pub(super) fn measure_at_once(
        &self,
        entrants: &[Entrant],
        run: &Run,
        times: usize,
    ) -> Result<Vec<Shown>, Failure> {
        let mut shown = entrants.iter().map(Shown::nothing_of).collect::<Vec<_>>();
        for _ in 0..times {
            let clusters =
                entrants.iter().map(|entrant| self.start(entrant)).collect::<Result<Vec<_>, _>>()?;
            let begin = |(place, (entrant, cluster)): (usize, (&Entrant, &Cluster))| {
                let json = self.folder.join(format!("report-{place}.json"));
                let run = entrant.extended(run);
                run.begin(&cluster.nodes, entrant.protocol, entrant.generator_place, &json)
            };
            let underway = entrants.iter().zip(&clusters).enumerate().map(begin);
            let underway = underway.collect::<Result<Vec<_>, _>>()?;
            for (underway, shown) in underway.into_iter().zip(&mut shown) {
                shown.reports.push(underway.finish()?);
            }
        }
        Ok(shown)
    }
}

/// The raw reports of a measurement, for the results.
pub(super) fn raw(what: &str, shown: &[Shown]) -> Vec<Raw> {
    let of = |shown: &Shown| {
        let (server, what) = (shown.name.clone(), what.to_owned());
        let raw = move |report: &Report| Raw {
            what: what.clone(),
            server: server.clone(),
            report: report.whole.clone(),
        };
        shown.reports.iter().map(raw).collect::<Vec<_>>()
    };
    shown.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_scale_is_short_and_small() {
        let (quick, full) = (Scale::quick(), Scale::full(5));
        assert_eq!((quick.seconds(10.0), quick.size(1000), quick.size(1)), (0.5, 100, 1));
        assert_eq!((full.seconds(10.0), full.size(1000)), (10.0, 1000));
    }

    #[test]
    fn a_place_is_what_stands_before_the_line() {
        let place = |cores, goes_first| Place { cores, goes_first, is_ahead: false };
        let line = |cores, goes_first| place(cores, goes_first).line(vec!["server".to_owned()]).join(" ");
        assert_eq!(line(Cores::First, false), "setpriv --pdeathsig KILL taskset -c 0 server");
        assert_eq!(line(Cores::First, true), "setpriv --pdeathsig KILL chrt --rr 1 taskset -c 0 server");
        assert_eq!(line(Cores::All, false), "setpriv --pdeathsig KILL server");
        assert!(
            place(Cores::All, true).ahead().line(Vec::new()).ends_with(&["--rr", "2"].map(str::to_owned))
        );
    }
}
