#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod breaker;
mod error;
mod exchange;
mod labs;
mod license;
mod options;
mod session;
mod system;
mod tls;
mod wire;
mod worker;

use std::sync::Arc;

use async_trait::async_trait;
use ccm_domain::LabId;
use ccm_domain::cml::{
    ControllerFacts, ControllerLoad, Deregistered, LabAction, LabSeen, LicenseSeen, TelemetryFeed,
};
use ccm_ports::{CmlApi, Controller, RemoteError};
use secrecy::SecretString;

pub use breaker::BreakerOptions;
pub use options::{CmlOptions, Login, OptionsError, Timeouts};

/// A client for all controllers of a fleet.
///
/// Cheap to clone; clones share connections, tokens and breakers.
#[derive(Clone, Debug)]
pub struct CmlClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    options: CmlOptions,
    workers: worker::Workers,
}

impl CmlClient {
    /// Makes a client; connects nowhere yet.
    ///
    /// # Errors
    /// When the file of authorities cannot be read or holds no certificate.
    pub fn new(options: CmlOptions) -> Result<Self, OptionsError> {
        let http = tls::client(&options)?;
        Ok(Self { inner: Arc::new(Inner { http, options, workers: worker::Workers::default() }) })
    }
}

#[async_trait]
impl CmlApi for CmlClient {
    async fn facts(&self, at: &Controller) -> Result<ControllerFacts, RemoteError> {
        system::facts(self, at).await
    }

    async fn load(&self, at: &Controller) -> Result<ControllerLoad, RemoteError> {
        system::load(self, at).await
    }

    async fn labs(&self, at: &Controller) -> Result<Vec<LabSeen>, RemoteError> {
        labs::all(self, at).await
    }

    async fn lab(&self, at: &Controller, lab: &LabId) -> Result<LabSeen, RemoteError> {
        labs::one(self, at, lab).await
    }

    async fn import_lab(&self, at: &Controller, yaml: &str) -> Result<LabId, RemoteError> {
        labs::import(self, at, yaml).await
    }

    async fn download_lab(&self, at: &Controller, lab: &LabId) -> Result<String, RemoteError> {
        labs::download(self, at, lab).await
    }

    async fn act(
        &self,
        at: &Controller,
        lab: &LabId,
        action: LabAction,
    ) -> Result<(), RemoteError> {
        labs::act(self, at, lab, action).await
    }

    async fn license(&self, at: &Controller) -> Result<LicenseSeen, RemoteError> {
        license::seen(self, at).await
    }

    async fn set_product(&self, at: &Controller, product: &str) -> Result<(), RemoteError> {
        license::set_product(self, at, product).await
    }

    async fn register(
        &self,
        at: &Controller,
        token: &SecretString,
        reregister: bool,
    ) -> Result<(), RemoteError> {
        license::register(self, at, token, reregister).await
    }

    async fn deregister(&self, at: &Controller) -> Result<Deregistered, RemoteError> {
        license::deregister(self, at).await
    }

    async fn telemetry(&self, at: &Controller) -> Result<TelemetryFeed, RemoteError> {
        system::telemetry(self, at).await
    }
}
