//! A look at the brokers before a node, or instead of one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::aio::MultiplexedConnection;
use redis::{InfoDict, RedisResult, cmd};

use super::address::{Address, dial, without_login};
use crate::{OpenError, Settings};

/// How long a broker may take to tell of itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a look at one broker has shown.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its URL, without user and password.
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
    settings.urls.iter().try_for_each(|url| Address::read(url).map(drop))
}

/// Looks at each broker that the settings name.
pub async fn inspect(settings: &Settings) -> Vec<Inspection> {
    let mut inspections = Vec::new();
    for url in &settings.urls {
        let look = tokio::time::timeout(PATIENCE, look(url));
        let outcome = look.await.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        inspections.push(Inspection { url: without_login(url), outcome });
    }
    inspections
}

async fn look(url: &str) -> Result<Condition, String> {
    let address = Address::read(url).map_err(|OpenError(reason)| reason)?;
    let client = address.client().await.map_err(|error| error.to_string())?;
    let mut connection = dial(&client).await.map_err(|error| error.to_string())?;
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
