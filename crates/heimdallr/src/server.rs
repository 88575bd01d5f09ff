//! The life of a server: it opens what the configuration names, says where it listens, works until it is asked to stop, and
//! takes its leave.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Fault;
use access::Ruling;
use admin::{Api, Health, Hooks, Service, Shards, Stage, Vitals};
use backplanes::{NodeId, OpenError, Wake};
use gateways::handlers::Application;
use reactor::{Links, Listen, Node, NodeError, Publish, Tell, Tls};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Settings;
use crate::heap::{self, Levels, Tide};
use crate::hooks::Posting;
use crate::log::SetLevel;
use crate::renewal::{Identity, Renewal};
use crate::rulings::Rulings;
use crate::{log, numbers, settings, supervisor, tls};

/// How often it is looked whether a shard has ended, which none should while the node works, and whether a crowd has left.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// How often Redis is asked for the cluster's secret while it cannot be reached.
const SECRET_INTERVAL: Duration = Duration::from_millis(500);
/// How often it is looked whether anybody is left while the node drains.
const DRAIN_INTERVAL: Duration = Duration::from_millis(50);

/// Works until asked to stop. `Err`: what went wrong, for a person.
pub(crate) fn run(
    settings: &Settings,
    application: &Application,
    set_level: &SetLevel,
) -> Result<(), String> {
    let open_files = reactor::raise_open_files();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), threads = settings.threads, ?open_files, "starting");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut signals = runtime.block_on(async { Signals::listen() }).map_err(|error| error.to_string())?;
    let vitals = Arc::new(Vitals::new(settings.threads));
    let tls = tls::open(settings)?;
    let api = Arc::new(Api::new(vitals.clone(), settings.api_keys.clone()));
    let service = serve_admin(settings.admin, &vitals, &api)?;
    let levels = Arc::new(Levels::new(settings.threads));
    let backplane = settings::of_backplane(settings);
    let secret = runtime.block_on(names_secret(settings, &backplane, &mut signals))?;
    let Some(secret) = secret else { return service.stop().map_err(|error| error.to_string()) };
    vitals.introduce(named(&backplane.node), called(settings));
    let identity = Identity { node: backplane.node, secret };
    let rulings = Rulings::open(settings)?;
    rulings.keep_for(&api);
    let mut posting = Posting::open(settings)?;
    let tell = rulings.teller(posting.hooks.clone());
    let streams = (places(settings, supervisor::listeners()?), tls.as_ref());
    let node = start_node(
        settings,
        application,
        &vitals,
        &levels,
        (&backplane, identity),
        (rulings.all(), tell, &posting),
        streams,
    );
    let mut node = node.map_err(|error| error.to_string())?;
    if let Err(reason) = posting.begin() {
        node.stop();
        node.join().map_err(|error| error.to_string())?;
        return Err(reason);
    }
    let certificates = tls::Watch::new(tls);
    note_vitals(&node, &vitals, &certificates);
    open_api(&api, &node);
    vitals.enter(Stage::Ready);
    announce(&node, service.address(), settings)
        .map_err(|error| format!("cannot write to standard output: {error}"))?;
    supervisor::tell(&[NotifyState::Ready]);
    let watches = Watches { levels: &levels, certificates, hooks: posting.hooks.clone() };
    let renewal = Renewal::new(settings.clone(), application, identity, (set_level, &api));
    runtime.block_on(work(&node, (&vitals, &api), watches, signals, renewal));
    node.stop();
    let outcome = node.join().map_err(|error| error.to_string());
    // What is posted now is taken out of the store, which is closed with the node.
    runtime.block_on(posting.finish());
    drop(node);
    service.stop().map_err(|error| format!("the admin service failed: {error}"))?;
    tracing::info!("stopped");
    outcome
}

/// What names of sessions cannot be guessed without, once it is known; `None`: the node was asked to stop before it was.
async fn names_secret(
    settings: &Settings,
    backplane: &backplanes::Settings,
    signals: &mut Signals,
) -> Result<Option<[u8; 16]>, String> {
    let own = settings::names_secret(settings).map_err(|error| error.to_string())?;
    if settings.redis.is_empty() || !settings.cluster_secret.is_empty() {
        return Ok(Some(own));
    }
    loop {
        let secret = backplanes::shared_secret(backplane, own).await;
        if let Some(secret) = secret.map_err(|OpenError(reason)| reason)? {
            return Ok(Some(secret));
        }
        tokio::select! {
            () = signals.next() => return Ok(None),
            () = tokio::time::sleep(SECRET_INTERVAL) => {}
        }
    }
}

fn serve_admin(address: SocketAddr, vitals: &Arc<Vitals>, api: &Arc<Api>) -> Result<Service, String> {
    let listener =
        TcpListener::bind(address).map_err(|error| format!("cannot listen on {address}: {error}"))?;
    admin::serve(listener, vitals.clone(), api.clone()).map_err(|error| error.to_string())
}

/// From here on the API reaches the shards.
fn open_api(api: &Api, node: &Node) {
    let office = node.office();
    let count = office.shards();
    api.open(Shards {
        count,
        instruct: Box::new(move |shard, wanted, reply| office.instruct(shard, wanted, reply)),
        clock: reactor::monotonic_us,
    });
}

fn start_node(
    settings: &Settings,
    application: &Application,
    vitals: &Arc<Vitals>,
    levels: &Arc<Levels>,
    (backplane, identity): (&backplanes::Settings, Identity),
    (rulings, tell, posting): (Arc<[Ruling]>, Tell, &Posting),
    (listen, tls): (Vec<Listen>, Option<&Arc<Tls>>),
) -> Result<Node, NodeError> {
    let shards = (0..settings.threads).map(|index| {
        let (vitals, levels) = (vitals.clone(), levels.clone());
        let publish: Publish = Box::new(move |shard, handshakes| {
            vitals.publish(index, numbers::samples(shard, handshakes));
            vitals.publish_histograms(index, numbers::histograms(shard));
            levels.publish(index, shard.holdings());
        });
        let settings = identity.settings_of_shard(settings, application, index);
        (shard::Settings { rulings: rulings.clone(), ..settings }, publish)
    });
    let open = settings::backplane_of(settings);
    let disk = stores::Disk { outward: posting.outward(settings), ..settings::of_store(settings) };
    let open_store = |wakes| {
        let link = settings::store_of(settings)(&disk, wakes)?;
        posting.take(link.outbox());
        Ok(link)
    };
    let bridge = settings::of_bridge(settings, backplane.node);
    let open_link = |wakes: Vec<Wake>| {
        let link = open(backplane, wakes.clone())?;
        match &bridge {
            Some(bridge) => beside::join(bridge, wakes, link),
            None => Ok(link),
        }
    };
    let access = settings::of_access(settings);
    let links = Links {
        backplane: &open_link,
        store: &open_store,
        access: &|wakes| access::open(&access, &wakes),
        tell,
    };
    Node::start(listen, shards.collect(), links, tls, log::write)
}

/// Where the node listens: at the sockets that it was handed, else at the addresses of the configuration.
fn places(settings: &Settings, handed_over: Vec<TcpListener>) -> Vec<Listen> {
    if handed_over.is_empty() {
        return settings.listen.iter().copied().map(Listen::At).collect();
    }
    tracing::info!(
        sockets = handed_over.len(),
        "listening on the sockets of systemd's, and not as listen says"
    );
    handed_over.into_iter().map(Listen::On).collect()
}

fn announce(node: &Node, admin: SocketAddr, settings: &Settings) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for address in node.addresses() {
        writeln!(out, "listening on {address}")?;
    }
    if let Some(address) = node.addresses().first() {
        let scheme = if settings.has_tls() { "https" } else { "http" };
        writeln!(out, "the page is at {scheme}://{}/", reachable(*address))?;
    }
    writeln!(out, "health and metrics are at http://{admin}/")?;
    if settings.dev_tls {
        writeln!(
            out,
            "the certificate was made just now, for localhost, and nobody has signed it: clients will say so"
        )?;
    }
    out.flush()
}

/// Says how the node stands with the others, with its disk and with who decides.
fn note_vitals(node: &Node, vitals: &Vitals, certificates: &tls::Watch) {
    let health = node.backplane();
    let samples = numbers::of_backplane(&health);
    vitals.note_alive(health.others.iter().map(named).collect());
    vitals.note_cluster(Health { fault: health.fault, samples });
    let health = node.store();
    let samples = numbers::of_store(&health);
    vitals.note_store(Health { fault: health.fault, samples });
    let health = node.access().health();
    let samples = numbers::of_access(&health);
    let (bars, remark) = health.fault.map_or((None, None), |Fault { reason, bars }| match bars {
        true => (Some(reason), None),
        false => (None, Some(reason)),
    });
    vitals.note_access(Health { fault: bars, samples });
    vitals.note_remark(remark.or_else(|| certificates.fault()));
}

/// What people call this node: its machine, and the port that tells nodes there apart.
fn called(settings: &Settings) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let port = settings.listen.first().map_or(0, SocketAddr::port);
    format!("{}:{port}", host.trim())
}

/// What nodes know a node by.
fn named(node: &NodeId) -> String {
    format!("{:08x}", node.0)
}

/// An address that means every interface is reached on this machine by its loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback =
            if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    address
}

/// What asks a server to stop. Listened for before anybody is told that the server is there.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        let hangup = signal(SignalKind::hangup())?;
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)?, hangup })
    }

    /// Waits until the server is asked to stop.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits until the server is asked for something. Says whether that is to stop; else it is to read its configuration again.
    async fn asks_to_stop(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => true,
            _ = self.hangup.recv() => false,
        }
    }
}

/// What is looked after while the server works.
struct Watches<'a> {
    levels: &'a Levels,
    certificates: tls::Watch,
    hooks: Option<Hooks>,
}

/// Waits until somebody asks the server to stop, then takes leave of the clients for as long as the configuration allows.
async fn work(
    node: &Node,
    (vitals, api): (&Vitals, &Api),
    mut watches: Watches<'_>,
    mut signals: Signals,
    mut renewal: Renewal<'_>,
) {
    let watchdog = supervisor::watchdog();
    let mut watch = tokio::time::interval(watchdog.map_or(WATCH_INTERVAL, |often| often.min(WATCH_INTERVAL)));
    let mut tide = Tide::default();
    loop {
        tokio::select! {
            stop = signals.asks_to_stop() => {
                if stop {
                    break;
                }
                renewal.read_again(node);
                watches.certificates.look_again();
            }
            () = api.drain_wanted() => break,
            _ = watch.tick() => {}
        }
        if node.is_broken() {
            return;
        }
        note_vitals(node, vitals, &watches.certificates);
        vitals.note_crowding(watches.levels.are_crowded());
        if let Some(hooks) = &watches.hooks {
            vitals.note_hooks(hooks.samples());
        }
        if watchdog.is_some() && vitals.stuck_shard(Instant::now()).is_none() {
            supervisor::tell(&[NotifyState::Watchdog]);
        }
        if tide.has_gone_out(watches.levels.total()) {
            heap::give_back();
        }
        watches.certificates.look();
    }
    let Settings { drain_wait_seconds: wait, drain_seconds: leave, .. } = renewal.settings;
    tracing::info!(wait_seconds = wait.as_secs(), seconds = leave.as_secs(), "draining");
    supervisor::tell(&[NotifyState::Stopping, NotifyState::Status("taking leave of clients")]);
    vitals.enter(Stage::Draining);
    node.drain();
    let mut look = tokio::time::interval(DRAIN_INTERVAL);
    let drained = async {
        while !node.is_drained() {
            look.tick().await;
        }
    };
    tokio::select! {
        () = drained => {}
        () = tokio::time::sleep(wait + leave) => tracing::warn!("clients were still connected when time was up"),
        () = signals.next() => {}
    }
}
