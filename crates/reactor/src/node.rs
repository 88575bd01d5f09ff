//! A node: its listeners, and one thread for each of its shards.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use backplanes::Wake;
use shard::{News, Notice, Settings, Shard};

use crate::listener::Listen;
use crate::mailroom::{Bell, connect};
use crate::office::Office;
use crate::secured::Handshakes;
use crate::tls::Tls;
use crate::turns::{Orders, Turns};

/// Shown the shard, and what became of those there who wanted to speak TLS, about once a second, on its own thread.
pub type Publish = Box<dyn FnMut(&Shard, &Handshakes) + Send>;

/// Told what is worth a line in a log, on the thread of its shard. It must not wait.
pub type Note = fn(&Notice);

/// Told what is to be known beyond the node, or when it starts again, on the thread of a shard. It must not wait.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Opens what the shards of a node share, given what wakes each of them.
pub type Open<'a, Link, Error> = &'a dyn Fn(Vec<Wake>) -> Result<Box<Link>, Error>;

/// How the node's backplane, its store, and who decides about its clients are opened.
pub struct Links<'a> {
    /// The backplane.
    pub backplane: Open<'a, dyn backplanes::Link, backplanes::OpenError>,
    /// The store. What it keeps is kept when the node is let fall.
    pub store: Open<'a, dyn stores::Link, stores::OpenError>,
    /// Who decides about clients.
    pub access: Open<'a, dyn access::Link, access::OpenError>,
    /// Who is told of news.
    pub tell: Tell,
}

/// Why a node did not start.
#[derive(Debug)]
pub enum NodeError {
    /// An address or socket cannot be listened on.
    Listen(String, io::Error),
    /// The machine has no events or threads left.
    Machine(io::Error),
    /// The backplane cannot be opened.
    Backplane(backplanes::OpenError),
    /// The store cannot be opened.
    Store(stores::OpenError),
    /// Who decides about clients cannot be opened.
    Access(access::OpenError),
}

/// A node at work.
pub struct Node {
    addresses: Vec<SocketAddr>,
    bells: Vec<Arc<Bell>>,
    orders: Arc<Orders>,
    office: Office,
    backplane: Box<dyn backplanes::Link>,
    store: Box<dyn stores::Link>,
    access: Box<dyn access::Link>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl Node {
    /// Listens everywhere and starts a shard for each of `shards`, each with what it is to be shown to. There has to be `tls` where
    /// their settings say that it is offered.
    pub fn start(
        listen: Vec<Listen>,
        shards: Vec<(Settings, Publish)>,
        links: Links<'_>,
        tls: Option<&Arc<Tls>>,
        note: Note,
    ) -> Result<Self, NodeError> {
        let count = shards.len();
        let mut bound = Vec::new();
        let mut listeners: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
        for place in listen {
            let (address, sockets) =
                place.open(count).map_err(|error| NodeError::Listen(place.name(), error))?;
            bound.push(address);
            listeners.iter_mut().zip(sockets).for_each(|(of_shard, socket)| of_shard.push(socket));
        }
        let bells: io::Result<Vec<_>> = (0..count).map(|_| Bell::new().map(Arc::new)).collect();
        let bells = bells.map_err(NodeError::Machine)?;
        let wakes: Vec<_> = bells.iter().map(wake_of).collect();
        let store = (links.store)(wakes.clone()).map_err(NodeError::Store)?;
        let backplane = (links.backplane)(wakes.clone()).map_err(NodeError::Backplane)?;
        let access = (links.access)(wakes).map_err(NodeError::Access)?;
        let (orders, threads) = (Arc::default(), Vec::new());
        let (office, windows) = Office::new(&bells);
        let mut node = Self { addresses: bound, orders, office, threads, bells, backplane, store, access };
        let mailboxes = connect(&node.bells);
        let posts = mailboxes.into_iter().zip(windows);
        for (((settings, publish), listeners), post) in shards.into_iter().zip(listeners).zip(posts) {
            let (bell, orders) = (node.bells[settings.shard.0 as usize].clone(), node.orders.clone());
            let index = settings.shard.0;
            let name = format!("shard-{index}");
            let end = node.backplane.end(index);
            let (store, access) = (node.store.end(index), node.access.end(index));
            let (tls, tell) = (tls.cloned(), links.tell.clone());
            // The shard is made on its own thread: it never leaves it.
            let run = move || {
                let store = store(&settings.store);
                let shard = Shard::with_store(settings, end(), store).judged_by(access());
                Turns::new((shard, index), listeners, post, bell, orders, tls, (publish, note, tell))?.run()
            };
            let thread = std::thread::Builder::new().name(name).spawn(run).map_err(NodeError::Machine)?;
            node.threads.push(thread);
        }
        Ok(node)
    }

    /// The addresses listened on, ports filled in.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Reaches the shards for operators.
    pub fn office(&self) -> Office {
        self.office.clone()
    }

    /// How it is with the node's backplane.
    pub fn backplane(&self) -> backplanes::Health {
        self.backplane.health()
    }

    /// How it is with the node's store.
    pub fn store(&self) -> stores::Health {
        self.store.health()
    }

    /// Who decides about clients.
    pub fn access(&self) -> &dyn access::Link {
        &*self.access
    }

    /// Takes leave of everybody, each shard at its pace.
    pub fn drain(&self) {
        self.orders.drain.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Has every shard go by other settings, as far as it can while it works.
    pub fn renew(&self, settings_of: impl Fn(usize) -> Settings) {
        let settings = (0..self.bells.len()).map(|shard| Some(Box::new(settings_of(shard)))).collect();
        *self.orders.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        self.orders.renewals.fetch_add(1, Ordering::Release);
        self.wake();
    }

    /// Stops, whoever is still there.
    pub fn stop(&self) {
        self.orders.stop.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Whether the node has drained: nobody is left on any shard.
    pub fn is_drained(&self) -> bool {
        self.orders.left.load(Ordering::Relaxed) == self.threads.len()
    }

    /// Whether a shard has ended, which none does by itself.
    pub fn is_broken(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Waits for every shard to end; says the first thing that went wrong. What they gave the store is kept when the node is let fall.
    pub fn join(&mut self) -> io::Result<()> {
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| io::Error::other("a shard panicked"))??;
        }
        Ok(())
    }

    fn wake(&self) {
        self.bells.iter().for_each(|bell| bell.call());
    }
}

/// What wakes a shard from outside of the reactor.
fn wake_of(bell: &Arc<Bell>) -> Wake {
    let bell = bell.clone();
    Arc::new(move || bell.call())
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(place, error) => write!(f, "cannot listen on {place}: {error}"),
            Self::Machine(error) => write!(f, "the machine has no room for another shard: {error}"),
            Self::Backplane(backplanes::OpenError(reason))
            | Self::Store(stores::OpenError(reason))
            | Self::Access(access::OpenError(reason)) => write!(f, "{reason}"),
        }
    }
}
