//! How the driver is set up: what the address says, bounded by what we need.

use std::time::Duration;

use ccm_ports::StoreError;
use mongodb::options::{
    Acknowledgment, ClientOptions, DatabaseOptions, ReadConcern, ReadPreference, SelectionCriteria,
    WriteConcern,
};
use mongodb::{Client, Database};

use super::error::{bad_address, late};
use crate::MongoUrl;

/// Connections of one process, unless the address says otherwise. A server has some hundreds for all.
const MOST_CONNECTIONS: u32 = 32;

/// Connections that are made at the same time; the driver's 2 make a burst after a fail-over wait.
const CONNECTING: u32 = 8;

/// How often servers are asked how they are. An error of a call makes the driver ask at once.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Reads the address; looks up the servers of a `mongodb+srv:` one.
pub(super) async fn parse(url: &MongoUrl, timeout: Duration) -> Result<ClientOptions, StoreError> {
    let parsed = tokio::time::timeout(timeout, ClientOptions::parse(url.expose()));
    let mut options = match parsed.await {
        Ok(Ok(options)) => options,
        Ok(Err(err)) => return Err(bad_address(&err, url.expose().contains('@'))),
        Err(_) => return Err(late("look up the servers of store.url", timeout).into()),
    };
    options.app_name.get_or_insert_with(|| "ccm".to_owned());
    options.max_pool_size.get_or_insert(MOST_CONNECTIONS);
    options.max_connecting.get_or_insert(CONNECTING);
    options.heartbeat_freq.get_or_insert(HEARTBEAT);
    // Without these a server that is away would be waited for until the caller's own patience ends.
    options.connect_timeout = Some(timeout);
    options.server_selection_timeout = Some(timeout);
    Ok(options)
}

/// Returns the database with the concerns that our promises rest on, whatever the address says.
///
/// A server of its own knows no majority: it would refuse to read with that concern.
pub(super) fn database(
    client: &Client,
    url: &MongoUrl,
    timeout: Duration,
    is_replicated: bool,
) -> Database {
    let acknowledged = if is_replicated { Acknowledgment::Majority } else { 1.into() };
    let write = WriteConcern::builder().w(acknowledged).journal(true).w_timeout(timeout).build();
    let read = if is_replicated { ReadConcern::majority() } else { ReadConcern::local() };
    let options = DatabaseOptions::builder()
        .write_concern(write)
        .read_concern(read)
        // A secondary may not have yet what a writer has just been told.
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build();
    client.database_with_options(url.database(), options)
}
