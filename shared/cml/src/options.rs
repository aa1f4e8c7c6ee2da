//! What the client is told at its making.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ccm_domain::WorkerId;
use secrecy::SecretString;

use crate::BreakerOptions;

/// Credentials, trust, patience and limits.
#[derive(Clone, Debug)]
pub struct CmlOptions {
    /// Login of every controller that has no own one.
    pub login: Login,
    /// Logins of single workers.
    pub logins: BTreeMap<WorkerId, Login>,
    /// PEM file of what is trusted: authorities, or the controllers' own certificates (pinned: then
    /// neither name nor expiry is looked at). The system's authorities when left out.
    pub ca_file: Option<PathBuf>,
    /// Whether certificates are verified at all.
    pub verify_tls: bool,
    /// How long calls may take.
    pub timeouts: Timeouts,
    /// Largest answer in bytes; the telemetry feed may have four times as much.
    pub largest_answer: usize,
    /// When a worker that does not answer is left alone.
    pub breaker: BreakerOptions,
    /// How many labs of one controller are read at once.
    pub labs_at_once: usize,
}

/// A name and a password.
#[derive(Clone, Debug)]
pub struct Login {
    /// User name.
    pub username: String,
    /// Password.
    pub password: SecretString,
}

/// How long calls may take, from the first byte sent to the last received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect.
    pub connect: Duration,
    /// Most calls.
    pub call: Duration,
    /// The readiness probe, which is made often.
    pub probe: Duration,
    /// Imports, downloads and the telemetry feed.
    pub bulk: Duration,
    /// Licence calls, which may wait for the licence server.
    pub license: Duration,
}

impl CmlOptions {
    /// Returns options for a login, with defaults for everything else.
    pub fn new(username: impl Into<String>, password: SecretString) -> Self {
        Self {
            login: Login { username: username.into(), password },
            logins: BTreeMap::new(),
            ca_file: None,
            verify_tls: true,
            timeouts: Timeouts::default(),
            largest_answer: 16 * 1024 * 1024,
            breaker: BreakerOptions::default(),
            labs_at_once: 4,
        }
    }

    pub(crate) fn login_of(&self, worker: WorkerId) -> &Login {
        self.logins.get(&worker).unwrap_or(&self.login)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            call: Duration::from_secs(20),
            probe: Duration::from_secs(10),
            bulk: Duration::from_secs(60),
            license: Duration::from_secs(60),
        }
    }
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The file of authorities cannot be used.
    #[error("{}: {reason}", file.display())]
    CaFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS library refused the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}
