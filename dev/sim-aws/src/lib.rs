//! The wire face of the modelled cloud: EC2 and STS in their query protocols, CloudWatch in Smithy's RPC v2 CBOR.
//!
//! One address serves all services, accounts and regions; a call's signature says which it means, as it
//! does for AWS. Signatures are not verified. Below `/_sim` stands what a person in the console would do.

#![warn(missing_docs)]

mod caller;
mod cbor;
mod console;
mod ec2;
mod metrics;
mod params;
mod refusal;
mod sts;
mod wire;
mod xml;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use ccm_domain::Account;
use ccm_testkit::cloud::Cloud;
use tokio::net::TcpListener;

/// How the wire face behaves where the model has no say.
#[derive(Clone, Debug)]
pub struct Options {
    /// Accounts whose role is given only to who names this external id.
    pub external_ids: BTreeMap<Account, String>,
    /// Most datapoints in one page of `GetMetricData`; CloudWatch has 100,800.
    pub metric_page: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { external_ids: BTreeMap::new(), metric_page: 100_800 }
    }
}

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Sim {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) options: Arc<Options>,
}

/// Returns all routes of the wire face.
pub fn router(cloud: Arc<Cloud>, options: Options) -> Router {
    let sim = Sim { cloud, options: Arc::new(options) };
    Router::new()
        .route("/", post(wire::query))
        .route(metrics::PATH, post(metrics::operation))
        .nest("/_sim", console::routes())
        .with_state(sim)
}

/// Serves the wire face until `stop` is ready.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    cloud: Arc<Cloud>,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(cloud, options)).with_graceful_shutdown(stop).await
}
