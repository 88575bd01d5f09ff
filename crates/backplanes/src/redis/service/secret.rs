//! What nodes of one cluster know and nobody else: whoever comes first makes it up, and the others find it.

use redis::{RedisResult, cmd};

use super::address::{Address, Trust, dial, run_of, without_login};
use super::keys::Keys;
use crate::{OpenError, Settings};

/// Asks the first broker for the secret of the cluster, once; `proposal` becomes it if there is none. `None`: the broker cannot be asked now.
pub async fn shared_secret(settings: &Settings, proposal: [u8; 16]) -> Result<Option<[u8; 16]>, OpenError> {
    let Some(url) = settings.urls.first() else { return Ok(Some(proposal)) };
    let address = Address::read(url, &Trust::read(&settings.ca)?)?;
    let key = Keys::new(&settings.prefix).secret();
    match ask(&address, &key, proposal).await {
        Ok(kept) => {
            let secret = kept.try_into().map(Some);
            secret
                .map_err(|_| OpenError(format!("{key}: what Redis keeps there is not a secret of 16 bytes")))
        }
        Err(error) => {
            tracing::warn!(broker = without_login(url), %error, "the cluster's secret is waited for");
            Ok(None)
        }
    }
}

async fn ask(address: &Address, key: &str, proposal: [u8; 16]) -> RedisResult<Vec<u8>> {
    let client = match address {
        Address::Single(single) => single.client().await?,
        Address::Cluster(members) => members.owner_of(key).await?,
    };
    let mut connection = dial(&client).await?;
    // A replica may not know of it yet.
    run_of(&mut connection).await?;
    let (mut keep, mut read) = (cmd("SET"), cmd("GET"));
    keep.arg(key).arg(&proposal[..]).arg("NX");
    let _: Option<String> = keep.query_async(&mut connection).await?;
    read.arg(key).query_async(&mut connection).await
}
