//! Who opens a stream, and what ends it from outside.

use std::time::Duration;

use ccm_domain::{Actor, Timestamp};
use ccm_fanout::Visible;
use ccm_runtime::Visit;
use tokio_util::sync::CancellationToken;

/// How long a client that was ended may take to read its goodbye.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Who opens a stream, and for how long.
#[derive(Clone)]
pub(crate) struct Access {
    /// Name, for people.
    pub(crate) name: String,
    /// Network address, for people.
    pub(crate) address: Option<String>,
    /// What the caller may see; everything unless it is set.
    pub(crate) visible: Option<Visible>,
    /// When the session or token expires.
    pub(crate) until: Option<Timestamp>,
    /// Cancelled when the session or token is revoked.
    pub(crate) revoked: CancellationToken,
}

/// Cuts a connection whose stream was ended while nobody read it. One for each connection, among the
/// extensions of its requests; without one such a stream lives as long as its socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hangup(CancellationToken);

impl Access {
    /// Returns the access of a caller whose session does not end.
    pub(crate) fn of(actor: &Actor, address: Option<String>) -> Self {
        Self {
            name: actor.name.clone(),
            address,
            visible: None,
            until: None,
            revoked: CancellationToken::new(),
        }
    }
}

impl Hangup {
    /// Is cancelled by the hub when it ends the stream.
    pub(crate) fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}

impl Visit for Hangup {
    /// When the stream of this connection was ended and had time to say so.
    async fn is_over(&self) {
        self.0.cancelled().await;
        tokio::time::sleep(LAST_WORDS).await;
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("name", &self.name).finish_non_exhaustive()
    }
}
