//! Where a broker is: as its URL says, or as Sentinels say at the moment.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, cmd};

use crate::OpenError;
use crate::redis::broker::is_one_life;

/// How long a connection may take to be made.
const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a broker is.
#[derive(Debug)]
pub(super) enum Address {
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
    /// `redis://`, or with TLS.
    scheme: &'static str,
    /// User and password as in a URL, with the `@` behind them, or nothing.
    login: String,
    /// The number of the database with the slash before it, or nothing.
    database: String,
}

impl Address {
    /// Reads a URL: `redis://`, `rediss://`, `redis+sentinel://` or `rediss+sentinel://`.
    pub(super) fn read(url: &str) -> Result<Self, OpenError> {
        let wrong = |reason: &dyn std::fmt::Display| {
            OpenError(format!(
                "redis: {} is not the URL of a Redis: {reason}; expected redis://[USER:PASSWORD@]HOST:PORT[/DATABASE], rediss:// for TLS, or \
                 redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/MASTER[/DATABASE]",
                without_login(url)
            ))
        };
        // It may have been chosen already, by an application around the server.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let watched = [("redis+sentinel://", "redis://"), ("rediss+sentinel://", "rediss://")];
        for (beginning, scheme) in watched {
            if let Some(rest) = url.strip_prefix(beginning) {
                let watched = Watched::read(scheme, rest).map_err(|reason| wrong(&reason))?;
                return Ok(Self::Watched(watched));
            }
        }
        if !url.starts_with("redis://") && !url.starts_with("rediss://") {
            return Err(wrong(&"its beginning is none of those known"));
        }
        Client::open(url).map(Self::Fixed).map_err(|error| wrong(&error))
    }

    /// The client for the broker that is there now.
    pub(super) async fn client(&self) -> RedisResult<Client> {
        match self {
            Self::Fixed(client) => Ok(client.clone()),
            Self::Watched(watched) => watched.find().await,
        }
    }
}

impl Watched {
    fn read(scheme: &'static str, rest: &str) -> Result<Self, String> {
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (format!("{login}@"), rest),
            None => (String::new(), rest),
        };
        let mut parts = rest.split('/');
        let hosts = parts.next().unwrap_or("");
        let master = parts.next().filter(|master| !master.is_empty()).ok_or("it names no master")?;
        let database = parts.next().map(|number| format!("/{number}")).unwrap_or_default();
        let sentinel = |host: &str| Client::open(format!("{scheme}{host}")).map_err(|error| error.to_string());
        let sentinels = hosts.split(',').map(sentinel).collect::<Result<_, _>>()?;
        Ok(Self { sentinels, master: master.to_owned(), scheme, login, database })
    }

    /// Asks one Sentinel after the other.
    async fn find(&self) -> RedisResult<Client> {
        let mut failure = RedisError::from((redis::ErrorKind::InvalidClientConfig, "there is no sentinel"));
        for sentinel in &self.sentinels {
            match self.ask(sentinel).await {
                Ok((host, port)) => {
                    let Self { scheme, login, database, .. } = self;
                    let host = if host.contains(':') { format!("[{host}]") } else { host };
                    return Client::open(format!("{scheme}{login}{host}:{port}{database}"));
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
        tokio::time::timeout(DIAL_TIMEOUT, question.query_async(&mut sentinel)).await.map_err(|_| timed_out())?
    }

    /// The Sentinel of that number, counted round.
    pub(super) fn sentinel(&self, number: usize) -> &Client {
        &self.sentinels[number % self.sentinels.len()]
    }
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
        (Some("master"), None) => {
            Err(RedisError::from((redis::ErrorKind::InvalidClientConfig, "it does not say which run it is in")))
        }
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
        for url in ["", "localhost:6379", "http://u:secret@h", "redis+sentinel://u:secret@h:1", "redis+sentinel://h/"] {
            let OpenError(reason) = Address::read(url).expect_err(url);
            assert!(!reason.contains("secret") && reason.contains("expected redis://"), "{reason}");
        }
    }

    #[test]
    fn sentinels_are_read_with_their_master() {
        let address = Address::read("redis+sentinel://u:p%40@a:26379,b:26380/mymaster/2").expect("it is one");
        let Address::Watched(watched) = address else { panic!("it is watched") };
        let Watched { sentinels, master, scheme, login, database } = watched;
        assert_eq!((sentinels.len(), &*master, scheme), (2, "mymaster", "redis://"));
        assert_eq!((&*login, &*database), ("u:p%40@", "/2"));
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
        assert!(is_one_life(&run(['a', 'b', 'c']), &run(['a', 'd', '0'])), "its last replica has long been gone");
        assert!(info("slave", ['a', 'b', '0']).is_err());
    }
}
