//! boto3 against the wire face, as an independent reader of EC2's and CloudWatch's protocols.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ccm_domain::{Account, Scope};
use ccm_ports::{Clock as _, SystemClock};
use ccm_sim_aws::{Options, serve};
use ccm_testkit::clock::FastClock;
use ccm_testkit::cloud::{Cloud, Standing};
use tokio::net::TcpListener;

#[tokio::test]
async fn boto3_launches_watches_changes_and_measures() {
    // A minute passes each second: boto3's waiters wait in real time.
    let cloud = Cloud::new(Arc::new(FastClock::new(SystemClock.now(), 60.0)), 1);
    let scope = Scope { account: Account::default(), region: "eu-central-1".parse().unwrap() };
    let image = cloud.images(&scope.region)[0].id.clone();
    let standing = Standing {
        image: image.clone(),
        instance_type: "c5.2xlarge".parse().unwrap(),
        tags: [("Name".to_owned(), "standing".to_owned())].into(),
        running: true,
        since: Duration::from_secs(36_000),
        detailed_monitoring: false,
    };
    let ids: Vec<_> = (0..7).map(|_| cloud.place(&scope, &standing)).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/script.py");
    let run = tokio::process::Command::new(python())
        .args([script, &endpoint, "eu-central-1", image.as_str(), ids[0].as_str()])
        .kill_on_drop(true)
        .output();

    let done = tokio::select! {
        served = serve(listener, cloud, Options::default(), std::future::pending()) => {
            panic!("the server ended: {served:?}")
        }
        done = run => done.unwrap_or_else(|err| panic!("no Python with boto3 (CCM_TEST_PYTHON): {err}")),
    };

    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[expect(clippy::disallowed_methods, reason = "where Python is concerns this test only")]
fn python() -> PathBuf {
    std::env::var_os("CCM_TEST_PYTHON").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/ccm/venv/bin/python"),
        PathBuf::from,
    )
}
