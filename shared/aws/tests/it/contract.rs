//! The suites of the ports, over the wire.

use std::sync::Arc;

use ccm_testkit::cloud::Rig;

use crate::site::{Site, at_once};

async fn rig() -> Rig {
    // Small pages of series too, so that both ways of paging are walked.
    let options = ccm_sim_aws::Options { metric_page: 1, ..ccm_sim_aws::Options::default() };
    let site = Site::open_with(options).await;
    let adapter = Arc::new(site.adapter(at_once()).await);
    let (compute, measure) = (Arc::clone(&adapter), adapter);
    Rig::around(site.cloud, site.clock, compute, measure)
}

ccm_ports::compute_contract!(rig().await);
