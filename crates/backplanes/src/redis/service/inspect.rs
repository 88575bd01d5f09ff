//! A look at the brokers before a node, or instead of one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::aio::MultiplexedConnection;
use redis::{Client, InfoDict, RedisResult, cmd};

use super::address::{Address, Trust, dial, without_login};
use crate::{OpenError, Settings};

/// How long a broker may take to tell of itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a look at one broker has shown.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its URL, without user and password; in a cluster also where the master is.
    pub url: String,
    /// How it is; `Err`: why that cannot be said.
    pub outcome: Result<Condition, String>,
}

/// How a broker is.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Which version of Redis it speaks.
    pub version: String,
    /// It takes writes.
    pub is_master: bool,
    /// How far its clock is ahead of ours, in milliseconds.
    pub clock_ahead_ms: i64,
    /// How long a question and its answer take.
    pub round_trip: Duration,
    /// What it does when its memory is full (`maxmemory-policy`).
    pub when_full: String,
}

/// Whether the settings name brokers that can be looked for.
pub fn check(settings: &Settings) -> Result<(), OpenError> {
    let trust = Trust::read(&settings.ca)?;
    settings.urls.iter().try_for_each(|url| Address::read(url, &trust).map(drop))
}

/// Looks at each broker that the settings name, and in a cluster at each master.
pub async fn inspect(settings: &Settings) -> Vec<Inspection> {
    let mut inspections = Vec::new();
    for url in &settings.urls {
        let shown = without_login(url);
        match in_time(find(url, &settings.ca)).await {
            Ok(found) => {
                for (place, client) in found {
                    let url = format!("{shown}{place}");
                    inspections.push(Inspection { url, outcome: in_time(look(&client)).await });
                }
            }
            Err(reason) => inspections.push(Inspection { url: shown, outcome: Err(reason) }),
        }
    }
    inspections
}

async fn in_time<T>(look: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let look = tokio::time::timeout(PATIENCE, look).await;
    look.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

/// The brokers that a URL leads to, and where each is, if the URL does not say that.
async fn find(url: &str, ca: &[u8]) -> Result<Vec<(String, Client)>, String> {
    let address = Trust::read(ca).and_then(|trust| Address::read(url, &trust));
    let found = match address.map_err(|OpenError(reason)| reason)? {
        Address::Single(single) => single.client().await.map(|client| vec![(String::new(), client)]),
        Address::Cluster(members) => members.masters().await,
    };
    found.map_err(|error| error.to_string())
}

async fn look(client: &Client) -> Result<Condition, String> {
    let mut connection = dial(client).await.map_err(|error| error.to_string())?;
    condition(&mut connection).await.map_err(|error| error.to_string())
}

async fn condition(connection: &mut MultiplexedConnection) -> RedisResult<Condition> {
    let info: InfoDict = cmd("INFO").query_async(connection).await?;
    let (asked, begun) = (SystemTime::now(), Instant::now());
    let (seconds, micros): (i64, i64) = cmd("TIME").query_async(connection).await?;
    let round_trip = begun.elapsed();
    let ours = (asked + round_trip / 2).duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Condition {
        version: info.get("redis_version").unwrap_or_default(),
        is_master: info.get::<String>("role").is_some_and(|role| role == "master"),
        clock_ahead_ms: seconds * 1000 + micros / 1000 - ours.as_millis() as i64,
        round_trip,
        when_full: info.get("maxmemory_policy").unwrap_or_default(),
    })
}
