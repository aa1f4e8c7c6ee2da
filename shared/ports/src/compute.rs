//! EC2 as the fleet needs it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ccm_domain::{Image, ImageQuery, Instance, InstanceId, LaunchOrder, Scope};

use crate::RemoteError;

/// Machines in the cloud. Adapters: `ccm_aws`, `ccm_testkit::cloud`; both pass `contract::compute`.
///
/// Every call is one scope's; errors of one scope say nothing about another.
#[async_trait]
pub trait Compute: Send + Sync {
    /// Returns all instances of the scope with their status checks, terminated ones that EC2 still shows included.
    async fn sweep(&self, scope: &Scope) -> Result<Vec<Instance>, RemoteError>;

    /// Returns those of `ids` that EC2 knows; unknown ids are left out, not an error.
    async fn look(&self, scope: &Scope, ids: &[InstanceId]) -> Result<Vec<Instance>, RemoteError>;

    /// Returns matching images, newest first.
    async fn find_images(
        &self,
        scope: &Scope,
        query: &ImageQuery,
    ) -> Result<Vec<Image>, RemoteError>;

    /// Launches one instance, or returns the one that was launched under the same token.
    ///
    /// `Invalid` when the token was used with other parameters. After `Unavailable` the launch may have taken
    /// place: the same order again finds out.
    async fn launch(&self, scope: &Scope, order: &LaunchOrder) -> Result<Instance, RemoteError>;

    /// Starts a stopped instance; harmless on one that starts or runs.
    ///
    /// `Conflict` while it stops or ends; `Capacity` leaves it stopped.
    async fn start(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError>;

    /// Stops a running instance; harmless on one that stops or is stopped.
    ///
    /// `Conflict` while it is pending or ends.
    async fn stop(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError>;

    /// Terminates in any state; harmless on one that is gone.
    ///
    /// `Conflict` when a person protected it from termination.
    async fn terminate(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError>;

    /// Sets and removes tags. The caller keeps `aws:*` out.
    async fn tag(
        &self,
        scope: &Scope,
        id: &InstanceId,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Result<(), RemoteError>;

    /// Turns detailed (1 minute) monitoring on or off.
    async fn monitor(&self, scope: &Scope, id: &InstanceId, on: bool) -> Result<(), RemoteError>;
}
