//! A simulated AWS on a port of its own, and the adapter that is pointed at it.

use std::sync::Arc;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ec2::config::Credentials;
use ccm_aws::{Aws, Options};
use ccm_testkit::clock::MovedClock;
use ccm_testkit::cloud::{Cloud, Rig};
use tokio::net::TcpListener;

/// A modelled cloud that is served as long as the test's runtime lives.
pub(crate) struct Site {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) endpoint: String,
}

impl Site {
    pub(crate) async fn open() -> Self {
        Self::open_with(ccm_sim_aws::Options::default()).await
    }

    #[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
    pub(crate) async fn open_with(options: ccm_sim_aws::Options) -> Self {
        let (cloud, clock) = Rig::cloud();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let served = Arc::clone(&cloud);
        tokio::spawn(async move {
            ccm_sim_aws::serve(listener, served, options, std::future::pending()).await.unwrap();
        });
        Self { cloud, clock, endpoint }
    }

    pub(crate) async fn adapter(&self, options: Options) -> Aws {
        Aws::with(&config(&self.endpoint).await, options).unwrap()
    }
}

/// Returns options that do not wait: faults last, so that another attempt helps nothing.
pub(crate) fn at_once() -> Options {
    Options { attempts: 1, page: 5, requests_per_second: 10_000.0, ..two_regions() }
}

pub(crate) fn two_regions() -> Options {
    let regions = ["eu-central-1", "us-west-2"].map(|region| region.parse().unwrap());
    Options { regions: regions.into(), ..Options::default() }
}

pub(crate) async fn config(endpoint: &str) -> SdkConfig {
    let keys = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    aws_config::defaults(BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .credentials_provider(keys)
        .load()
        .await
}
