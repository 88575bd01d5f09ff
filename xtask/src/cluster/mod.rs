//! `cargo xtask cluster [--nodes N] [--balancer NAME] [--no-redis] [--server FILE] [--release]`: the cluster of deploy/ on this machine,
//! for as long as this runs.
//!
//! A Redis, N nodes and a balancer with its configuration of deploy/, as ordinary processes on free ports of loopback, in a folder that
//! goes with them. Variables `HEIMDALLR_…` reach every node. What is where is said on standard output; an interrupt ends everything that
//! was started, by its process id, and nothing else.

pub(crate) mod balancer;
mod deploy;
pub(crate) mod node;
pub(crate) mod ports;
pub(crate) mod running;

use std::path::{Path, PathBuf};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::program::Program;
use crate::step::{Failure, Outcome};
use crate::tree;

use balancer::{BALANCERS, Balancer};
use node::Node;
use ports::free_port;
use running::{Folder, Running};

const USAGE: &str =
    "usage: cargo xtask cluster [--nodes N] [--balancer NAME] [--no-redis] [--server FILE] [--release]";

/// Nodes of one machine.
const NODES_MAX: usize = 16;

/// What the command line asks for.
struct Wish {
    nodes: usize,
    balancer: Option<&'static Balancer>,
    has_redis: bool,
    server: Option<PathBuf>,
    is_release: bool,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let wish = read(arguments)?;
    let server = server(&wish)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // From here on an interrupt is waited for, and not died of.
    let mut interrupts = runtime.block_on(async { Interrupts::listen() })?;
    let folder = Folder::new()?;
    let cluster = Cluster::start(&wish, &server, folder.path())?;
    println!("ready; an interrupt ends it");
    runtime.block_on(interrupts.next());
    println!("ending what was started");
    cluster.end();
    Ok(())
}

fn read(arguments: &[String]) -> Result<Wish, Failure> {
    let mut wish = Wish { nodes: 3, balancer: None, has_redis: true, server: None, is_release: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), words.as_slice()) {
            ("--nodes", [number, ..]) => {
                let nodes = number.parse().ok().filter(|nodes| (1..=NODES_MAX).contains(nodes));
                wish.nodes = nodes.ok_or_else(|| Failure::new(format!("--nodes is 1 to {NODES_MAX}")))?;
                words.next();
            }
            ("--balancer", [name, ..]) => {
                wish.balancer = Some(balancer::named(name)?);
                words.next();
            }
            ("--server", [file, ..]) => {
                wish.server = Some(PathBuf::from(file));
                words.next();
            }
            ("--no-redis", _) => wish.has_redis = false,
            ("--release", _) => wish.is_release = true,
            _ => {
                let names: Vec<&str> = BALANCERS.iter().map(|balancer| balancer.name).collect();
                return Err(Failure::new(format!("{USAGE}\nbalancers: {}", names.join(", "))));
            }
        }
    }
    Ok(wish)
}

/// The server's program, built if it was not named.
fn server(wish: &Wish) -> Result<PathBuf, Failure> {
    if let Some(server) = &wish.server {
        return Ok(server.clone());
    }
    let (profile, folder): (&[&str], _) =
        if wish.is_release { (&["--release"], "release") } else { (&[], "debug") };
    Program::new("cargo").args(["build", "--quiet", "--package", "heimdallr"]).args(profile).run()?;
    Ok(tree::root().join("target").join(folder).join("heimdallr"))
}

/// What asks this to end.
pub(crate) struct Interrupts([Signal; 3]);

impl Interrupts {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    pub(crate) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// What was started, in the order it was. Dropping it ends it too.
struct Cluster(Vec<Running>);

impl Cluster {
    fn start(wish: &Wish, server: &Path, folder: &Path) -> Result<Self, Failure> {
        let mut cluster = Self(Vec::new());
        let redis = wish.has_redis.then(|| cluster.start_redis(folder)).transpose()?;
        let mut nodes = Vec::new();
        for number in 1..=wish.nodes {
            nodes.push(cluster.start_node(number, server, redis.as_deref(), wish.balancer, folder)?);
        }
        for running in &mut cluster.0 {
            running.await_accepting()?;
        }
        for node in &nodes {
            node.await_ready()?;
        }
        if let Some(balancer) = wish.balancer {
            cluster.start_balancer(balancer, &nodes, folder)?;
        }
        Ok(cluster)
    }

    fn start_redis(&mut self, folder: &Path) -> Result<String, Failure> {
        let port = free_port()?;
        let redis = Program::new("redis-server").args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        let redis = redis.args(["--save", "", "--appendonly", "no", "--dir"]).args([folder]);
        let pid = self.keep(Running::start(redis, port, &folder.join("redis.log"))?);
        let url = format!("redis://127.0.0.1:{port}");
        println!("redis     {url}  pid {pid}");
        Ok(url)
    }

    fn start_node(
        &mut self,
        number: usize,
        server: &Path,
        redis: Option<&str>,
        balancer: Option<&Balancer>,
        folder: &Path,
    ) -> Result<Node, Failure> {
        let node = Node::on_free_ports()?;
        let log = folder.join(format!("node{number}.log"));
        let program = node.serve(Program::new(server), redis);
        let settings = balancer.map_or(&[][..], |balancer| balancer.settings);
        let program = settings.iter().fold(program, |program, (key, value)| program.env(key, value));
        let pid = self.keep(Running::start(program, node.port, &log)?);
        let (listen, admin) = (node.listen(), node.admin());
        println!("node {number}    http://{listen}  pid {pid}  admin http://{admin}  log {}", log.display());
        Ok(node)
    }

    fn start_balancer(&mut self, balancer: &Balancer, nodes: &[Node], folder: &Path) -> Outcome {
        let port = free_port()?;
        let program = (balancer.prepare)(balancer, nodes, port, folder)?;
        let running = Running::start(program, port, &folder.join("balancer.log"))?;
        let pid = self.keep(running);
        self.0.last_mut().expect("it was just kept").await_accepting()?;
        println!("balancer  http://127.0.0.1:{port}  pid {pid}  {}", balancer.name);
        Ok(())
    }

    fn keep(&mut self, running: Running) -> u32 {
        let pid = running.pid();
        self.0.push(running);
        pid
    }

    /// The balancer first, so that nobody is sent to nodes that go; Redis last. Nodes take leave of their clients together.
    fn end(mut self) {
        for running in self.0.iter_mut().rev() {
            running.ask_to_end();
        }
        for running in self.0.iter_mut().rev() {
            running.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_command_line_is_read() {
        let wish =
            read(&words("--nodes 4 --balancer haproxy-cookie --no-redis --server a/b")).expect("it is one");
        assert_eq!((wish.nodes, wish.has_redis), (4, false));
        assert_eq!(wish.balancer.map(|balancer| balancer.name), Some("haproxy-cookie"));
        assert_eq!(wish.server.as_deref(), Some(Path::new("a/b")));
    }

    #[test]
    fn what_is_no_command_line_is_refused() {
        for line in ["--nodes", "--nodes 0", "--nodes 17", "--balancer f5", "three"] {
            assert!(read(&words(line)).is_err(), "{line}");
        }
    }
}
