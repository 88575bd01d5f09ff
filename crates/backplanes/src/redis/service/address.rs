//! Where a broker is: as its URL says, or as Sentinels say at the moment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, TlsCertificates, cmd};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::cluster::{Members, Place};
use crate::OpenError;
use crate::redis::broker::is_one_life;

/// How long it may take to find a broker, to connect to it and to prepare it.
const WAY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take to be made.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// What a broker is, and where.
#[derive(Debug)]
pub(super) enum Address {
    /// One Redis.
    Single(Single),
    /// Masters that share the slots.
    Cluster(Members),
}

/// Where one Redis is.
#[derive(Debug)]
pub(super) enum Single {
    /// Always at the same place.
    Fixed(Client),
    /// Where Sentinels say.
    Watched(Watched),
}

/// A master whom Sentinels watch.
#[derive(Debug)]
pub(super) struct Watched {
    sentinels: Vec<Client>,
    pub(super) master: String,
    access: Access,
    /// The number of the database with the slash before it, or nothing.
    database: String,
}

/// How servers are spoken to that are found by asking others.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// `redis://`, or with TLS.
    scheme: &'static str,
    /// User and password as in a URL, with the `@` behind them, or nothing.
    login: String,
    trust: Trust,
}

/// Whom servers spoken to over TLS are trusted by: certificates in PEM, or none where the system knows.
#[derive(Clone, Default)]
pub(super) struct Trust(Option<Arc<[u8]>>);

impl Trust {
    /// Takes certificates as the configuration has them.
    pub(super) fn read(ca: &[u8]) -> Result<Self, OpenError> {
        if ca.is_empty() {
            return Ok(Self::default());
        }
        let mut roots = RootCertStore::empty();
        let added = CertificateDer::pem_slice_iter(ca).try_for_each(|certificate| {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())
        });
        let fault = added.err().or_else(|| roots.is_empty().then(|| "it has none".to_owned()));
        match fault {
            Some(fault) => Err(OpenError(format!("redis_ca: not certificates in PEM: {fault}"))),
            None => Ok(Self(Some(ca.into()))),
        }
    }

    fn client(&self, url: &str) -> RedisResult<Client> {
        match &self.0 {
            Some(ca) if url.starts_with("rediss://") => {
                let certificates = TlsCertificates { client_tls: None, root_cert: Some(ca.to_vec()) };
                Client::build_with_tls(url, certificates)
            }
            _ => Client::open(url),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "its own" } else { "the system's" })
    }
}

impl Access {
    /// The client for the server at `HOST:PORT`.
    pub(super) fn client(&self, host_and_port: &str, database: &str) -> RedisResult<Client> {
        let Self { scheme, login, trust } = self;
        trust.client(&format!("{scheme}{login}{host_and_port}{database}"))
    }
}

impl Address {
    /// Reads a URL: `redis://`, `redis+sentinel://` or `redis+cluster://`, or one of these with `rediss`.
    pub(super) fn read(url: &str, trust: &Trust) -> Result<Self, OpenError> {
        let wrong = |reason: &dyn std::fmt::Display| {
            OpenError(format!(
                "redis: {} is not the URL of a Redis: {reason}; expected redis://[USER:PASSWORD@]HOST:PORT[/DATABASE], \
                 redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/MASTER[/DATABASE] or \
                 redis+cluster://[USER:PASSWORD@]HOST:PORT,HOST:PORT; with rediss for TLS",
                without_login(url)
            ))
        };
        // It may have been chosen already, by an application around the server.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (kind, rest) = url.split_once("://").unwrap_or(("", url));
        let scheme = if kind.starts_with("rediss") { "rediss://" } else { "redis://" };
        match kind {
            "redis" | "rediss" => {
                let client = trust.client(url).map_err(|error| wrong(&error))?;
                Ok(Self::Single(Single::Fixed(client)))
            }
            "redis+sentinel" | "rediss+sentinel" => {
                let watched = Watched::read(scheme, rest, trust).map_err(|reason| wrong(&reason))?;
                Ok(Self::Single(Single::Watched(watched)))
            }
            "redis+cluster" | "rediss+cluster" => {
                let (access, hosts) = Access::read(scheme, rest, trust);
                Members::read(access, hosts).map(Self::Cluster).map_err(|reason| wrong(&reason))
            }
            _ => Err(wrong(&"its beginning is none of those known")),
        }
    }
}

impl Access {
    /// Takes user and password off what stands behind the scheme.
    fn read<'r>(scheme: &'static str, rest: &'r str, trust: &Trust) -> (Self, &'r str) {
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (format!("{login}@"), rest),
            None => (String::new(), rest),
        };
        (Self { scheme, login, trust: trust.clone() }, rest)
    }
}

impl Single {
    /// The client for the broker that is there now.
    pub(super) async fn client(&self) -> RedisResult<Client> {
        match self {
            Self::Fixed(client) => Ok(client.clone()),
            Self::Watched(watched) => watched.find().await,
        }
    }
}

impl Watched {
    fn read(scheme: &'static str, rest: &str, trust: &Trust) -> Result<Self, String> {
        let (access, rest) = Access::read(scheme, rest, trust);
        let mut parts = rest.split('/');
        let hosts = parts.next().unwrap_or("");
        let master = parts.next().filter(|master| !master.is_empty()).ok_or("it names no master")?;
        let database = parts.next().map(|number| format!("/{number}")).unwrap_or_default();
        let sentinel =
            |host: &str| trust.client(&format!("{scheme}{host}")).map_err(|error| error.to_string());
        let sentinels = hosts.split(',').map(sentinel).collect::<Result<_, _>>()?;
        Ok(Self { sentinels, master: master.to_owned(), access, database })
    }

    /// Asks one Sentinel after the other.
    async fn find(&self) -> RedisResult<Client> {
        let mut failure = RedisError::from((redis::ErrorKind::InvalidClientConfig, "there is no sentinel"));
        for sentinel in &self.sentinels {
            match self.ask(sentinel).await {
                Ok((host, port)) => {
                    return self.access.client(&Place { host, port }.to_string(), &self.database);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn ask(&self, sentinel: &Client) -> RedisResult<(String, u16)> {
        let mut sentinel = dial(sentinel).await?;
        let mut question = cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(&self.master);
        tokio::time::timeout(DIAL_TIMEOUT, question.query_async(&mut sentinel))
            .await
            .map_err(|_| timed_out())?
    }

    /// The Sentinel of that number, counted round.
    pub(super) fn sentinel(&self, number: usize) -> &Client {
        &self.sentinels[number % self.sentinels.len()]
    }
}

/// Gives up a way to a broker that is not found in time.
pub(super) async fn in_time<T>(way: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    tokio::time::timeout(WAY_TIMEOUT, way).await.unwrap_or_else(|_| Err(timed_out()))
}

/// A connection for commands.
pub(super) async fn dial(client: &Client) -> RedisResult<MultiplexedConnection> {
    // Who waits for answers knows for how long.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(DIAL_TIMEOUT)).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Which life of the broker this is: of its process and, if it has been a replica, of the history that it began when it was made a master, also
/// where it had been one before. One that is not a master is no broker.
pub(super) async fn run_of(connection: &mut MultiplexedConnection) -> RedisResult<String> {
    let info = cmd("INFO");
    let info = info.query_async(connection);
    let info: String = tokio::time::timeout(DIAL_TIMEOUT, info).await.map_err(|_| timed_out())??;
    read_run(&info)
}

/// Whether the broker at the other end of a connection is in the same run. Its process is the same as long as the connection is.
pub(super) async fn is_still(connection: &mut MultiplexedConnection, run: &str) -> RedisResult<bool> {
    let info: String = cmd("INFO").arg("replication").query_async(connection).await?;
    let process = run.split('-').next().unwrap_or(run);
    let is_master = value(&info, "role") == Some("master");
    Ok(is_master && is_one_life(run, &name_run(process, promotion(&info))))
}

fn name_run(process: &str, promotion: Option<&str>) -> String {
    promotion.map_or_else(|| process.to_owned(), |history| format!("{process}-{history}"))
}

/// The history that began when it was made a master; `None`: it has not been a replica. A master names its history anew for lesser reasons too,
/// when its first replica comes or has long been gone, and then says of no former one (`master_replid2`) that it goes on from there.
fn promotion(info: &str) -> Option<&str> {
    let former = value(info, "master_replid2")?;
    let has_former = former.bytes().any(|digit| digit != b'0');
    start(info, "master_replid").filter(|_| has_former)
}

fn value<'i>(info: &'i str, key: &str) -> Option<&'i str> {
    info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
}

/// As much of a name that Redis makes up as tells it from all others.
fn start<'i>(info: &'i str, key: &str) -> Option<&'i str> {
    value(info, key).and_then(|value| value.get(..16))
}

fn read_run(info: &str) -> RedisResult<String> {
    match (value(info, "role"), start(info, "run_id")) {
        (Some("master"), Some(process)) => Ok(name_run(process, promotion(info))),
        (Some("master"), None) => Err(RedisError::from((
            redis::ErrorKind::InvalidClientConfig,
            "it does not say which run it is in",
        ))),
        _ => Err(RedisError::from((
            redis::ErrorKind::Server(redis::ServerErrorKind::ReadOnly),
            "it is not a master",
        ))),
    }
}

fn timed_out() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// A URL as it may be shown: without user and password.
pub(super) fn without_login(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_followed_is_refused_without_its_password() {
        for url in [
            "",
            "localhost:6379",
            "http://u:secret@h",
            "redis+sentinel://u:secret@h:1",
            "redis+sentinel://h/",
            "redis+cluster://u:secret@",
            "redis+cluster://u:secret@h",
        ] {
            let OpenError(reason) = Address::read(url, &Trust::default()).expect_err(url);
            assert!(!reason.contains("secret") && reason.contains("expected redis://"), "{reason}");
        }
    }

    #[test]
    fn sentinels_are_read_with_their_master() {
        let address = Address::read("redis+sentinel://u:p%40@a:26379,b:26380/mymaster/2", &Trust::default())
            .expect("it is one");
        let Address::Single(Single::Watched(watched)) = address else { panic!("it is watched") };
        let Watched { sentinels, master, access, database } = watched;
        assert_eq!((sentinels.len(), &*master, access.scheme), (2, "mymaster", "redis://"));
        assert_eq!((&*access.login, &*database), ("u:p%40@", "/2"));
    }

    #[test]
    fn a_run_is_of_a_process_and_of_its_history() {
        let info = |role: &str, names: [char; 3]| {
            let [run, history, former] = names.map(|name| name.to_string().repeat(40));
            let replication = format!("role:{role}\r\nmaster_replid:{history}\r\nmaster_replid2:{former}");
            read_run(&format!("# Server\r\nrun_id:{run}\r\n# Replication\r\n{replication}\r\n"))
        };
        let run = |names| info("master", names).expect("a master");
        assert_eq!(run(['a', 'b', '0']), run(['a', 'c', '0']), "its first replica has come");
        assert_ne!(run(['a', 'b', '0']), run(['d', 'b', '0']), "another process");
        assert_ne!(run(['a', 'b', '0']), run(['a', 'c', 'b']), "it was a replica");
        assert_ne!(run(['a', 'b', 'c']), run(['a', 'd', 'b']), "and once more");
        assert!(
            is_one_life(&run(['a', 'b', 'c']), &run(['a', 'd', '0'])),
            "its last replica has long been gone"
        );
        assert!(info("slave", ['a', 'b', '0']).is_err());
    }
}
