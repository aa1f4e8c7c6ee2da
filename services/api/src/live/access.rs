//! Who opens a stream, and what ends it from outside.

use std::time::Duration;

use ccm_domain::Timestamp;
use ccm_fanout::Visible;
use ccm_runtime::Visit;
use tokio_util::sync::CancellationToken;

use crate::auth::{Known, Verdict};

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
    /// Says why it ends when the login does, or what it allows changes.
    pub(crate) verdict: Option<Verdict>,
}

/// Cuts a connection whose stream was ended while nobody read it. One for each connection, among the
/// extensions of its requests; without one such a stream lives as long as its socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hangup(CancellationToken);

impl Access {
    /// Returns the access of a caller. The end of a login is part of the verdict: it may be moved.
    pub(crate) fn of(known: &Known, verdict: Option<Verdict>, address: Option<String>) -> Self {
        Self {
            name: known.actor.name.clone(),
            address,
            visible: None,
            until: known.until.filter(|_| verdict.is_none()),
            verdict,
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
