//! A CML controller as the fleet needs it.

use async_trait::async_trait;
use ccm_domain::cml::{
    ControllerFacts, ControllerLoad, Deregistered, LabAction, LabSeen, LicenseSeen, TelemetryFeed,
};
use ccm_domain::{LabId, WorkerId};
use secrecy::SecretString;

use crate::RemoteError;

/// Where one worker's controller is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Controller {
    /// The worker; keys the token cache and the breaker.
    pub worker: WorkerId,
    /// Base address without `/api/v0`, such as `https://203.0.113.7`.
    pub endpoint: String,
}

/// The REST API of CML controllers. Adapters: `ccm_cml`, `ccm_testkit::lab_host`; both pass `contract::cml`.
///
/// Credentials and TLS policy belong to the adapter. A booting controller answers `Unavailable`.
#[async_trait]
pub trait CmlApi: Send + Sync {
    /// Asks who is there, without a login.
    async fn facts(&self, at: &Controller) -> Result<ControllerFacts, RemoteError>;

    /// Reads load and health.
    async fn load(&self, at: &Controller) -> Result<ControllerLoad, RemoteError>;

    /// Reads all labs of all users with nodes and links.
    async fn labs(&self, at: &Controller) -> Result<Vec<LabSeen>, RemoteError>;

    /// Reads one lab.
    async fn lab(&self, at: &Controller, lab: &LabId) -> Result<LabSeen, RemoteError>;

    /// Imports a topology in CML's YAML and returns the new lab's id.
    async fn import_lab(&self, at: &Controller, yaml: &str) -> Result<LabId, RemoteError>;

    /// Returns a lab's topology as CML's YAML.
    async fn download_lab(&self, at: &Controller, lab: &LabId) -> Result<String, RemoteError>;

    /// Starts, stops, wipes or deletes a lab; returns when the controller accepted it.
    async fn act(&self, at: &Controller, lab: &LabId, action: LabAction)
    -> Result<(), RemoteError>;

    /// Reads the licence.
    async fn license(&self, at: &Controller) -> Result<LicenseSeen, RemoteError>;

    /// Sets the product licence, such as `CML_Enterprise`.
    async fn set_product(&self, at: &Controller, product: &str) -> Result<(), RemoteError>;

    /// Hands the token over; registration then goes on in the controller and is followed by [`Self::license`].
    async fn register(
        &self,
        at: &Controller,
        token: &SecretString,
        reregister: bool,
    ) -> Result<(), RemoteError>;

    /// Deregisters.
    async fn deregister(&self, at: &Controller) -> Result<Deregistered, RemoteError>;

    /// Reads the telemetry feed as far back as the controller keeps it.
    async fn telemetry(&self, at: &Controller) -> Result<TelemetryFeed, RemoteError>;
}
