//! AWS's standard variables are honoured, as `aws-config` reads them from the real environment.

use ccm_aws::{Aws, Options};
use ccm_ports::Compute;
use ccm_testkit::cloud::Standing;

use crate::site::Site;

/// Tells the test that it is the child, and which instance it has to find.
const FIND: &str = "CCM_TEST_FIND_INSTANCE";

/// A process cannot change its own environment safely, so this test starts itself as a child in another one.
#[tokio::test]
async fn region_keys_and_endpoints_come_from_the_environment() {
    #[expect(clippy::disallowed_methods, reason = "set by this test for its own child")]
    if let Ok(wanted) = std::env::var(FIND) {
        return find(&wanted).await;
    }
    let site = Site::open().await;
    let region = "ap-southeast-2".parse().unwrap();
    let standing = Standing {
        image: site.cloud.images(&region)[0].id.clone(),
        instance_type: "c5.large".parse().unwrap(),
        tags: [].into(),
        running: true,
        since: std::time::Duration::from_secs(3_600),
        detailed_monitoring: false,
    };
    let scope = ccm_domain::Scope { account: ccm_domain::Account::default(), region };
    let id = site.cloud.place(&scope, &standing);
    let this = "environment::region_keys_and_endpoints_come_from_the_environment";

    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this, "--nocapture"])
        .env_clear()
        .env(FIND, id.as_str())
        .env("AWS_REGION", "ap-southeast-2")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        // The service's own variable wins over the general one, where nobody listens.
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_ENDPOINT_URL_EC2", &site.endpoint)
        .output()
        .await
        .unwrap();

    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains("1 passed"), "{said}");
    assert!(site.cloud.calls().contains_key("DescribeInstances"));
}

async fn find(wanted: &str) {
    let adapter = Aws::connect(Options::default()).await.unwrap();
    let scopes: Vec<String> = adapter.scopes().iter().map(ToString::to_string).collect();
    let seen = adapter.sweep(&adapter.scopes()[0]).await.unwrap();

    assert_eq!(scopes, ["self/ap-southeast-2"]);
    assert_eq!(seen[0].id.as_str(), wanted);
}
