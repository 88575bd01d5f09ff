//! The servers of a cluster: where some of them are, and what they say about who has what.

use std::time::Duration;

use redis::{Client, ErrorKind, ProtocolVersion, RedisError, RedisResult, Value, cmd};

use super::slots::{Map, Place, Share, read_shares, slot_of};
use crate::redis::service::address::{Access, dial};

/// How long a server may take to say who has what.
const LEARN_TIMEOUT: Duration = Duration::from_secs(2);

/// The servers that a URL names, any of which knows the others.
#[derive(Clone, Debug)]
pub(in crate::redis::service) struct Members {
    access: Access,
    pub(super) seeds: Vec<Place>,
}

impl Members {
    /// Reads `HOST:PORT,HOST:PORT`.
    pub(in crate::redis::service) fn read(access: Access, hosts: &str) -> Result<Self, String> {
        let seed =
            |host: &str| Place::read(host.trim_end_matches('/')).ok_or(format!("{host} is not HOST:PORT"));
        let seeds: Vec<_> = hosts.split(',').map(seed).collect::<Result<_, _>>()?;
        let members = Self { access, seeds };
        members
            .seeds
            .iter()
            .try_for_each(|seed| members.client(seed).map(drop))
            .map_err(|error| error.to_string())?;
        Ok(members)
    }

    /// The client for commands to one of them.
    pub(super) fn client(&self, place: &Place) -> RedisResult<Client> {
        self.access.client(&place.to_string(), "")
    }

    /// The client for listening to one of them: publications are told from answers by RESP3.
    pub(super) fn listening_client(&self, place: &Place) -> RedisResult<Client> {
        let info = self.client(place)?.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Client::open(info.set_redis_settings(settings))
    }

    /// Asks one server after the other who has what, until one answers.
    pub(super) async fn learn(&self, places: &[Place]) -> RedisResult<Vec<Share>> {
        let mut failure = RedisError::from((ErrorKind::InvalidClientConfig, "there is no server to ask"));
        for place in places {
            match tokio::time::timeout(LEARN_TIMEOUT, self.ask(place)).await {
                Ok(Ok(shares)) => return Ok(shares),
                Ok(Err(error)) => failure = error,
                Err(_) => failure = std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
            }
        }
        Err(failure)
    }

    async fn ask(&self, place: &Place) -> RedisResult<Vec<Share>> {
        let mut connection = dial(&self.client(place)?).await?;
        let answer: Value = cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
        let shares = read_shares(&answer, place).filter(|shares| !shares.is_empty());
        shares.ok_or_else(|| RedisError::from((ErrorKind::InvalidClientConfig, "no master has slots")))
    }

    /// Where the masters are, as ` at HOST:PORT`, and the clients for them.
    pub(in crate::redis::service) async fn masters(&self) -> RedisResult<Vec<(String, Client)>> {
        let mut map = Map::new();
        map.learn(self.learn(&self.seeds).await?);
        let client = |place: &Place| self.client(place).map(|client| (format!(" at {place}"), client));
        map.places().iter().map(client).collect()
    }

    /// The client for the master that has a key.
    pub(in crate::redis::service) async fn owner_of(&self, key: &str) -> RedisResult<Client> {
        let mut map = Map::new();
        map.learn(self.learn(&self.seeds).await?);
        let owner = map.owner(slot_of(key));
        let owner =
            owner.ok_or_else(|| RedisError::from((ErrorKind::InvalidClientConfig, "no master has it")))?;
        self.client(map.place(owner))
    }
}
