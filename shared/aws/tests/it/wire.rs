//! What is AWS's own: retries, budgets, roles, credentials, connections that fail.

use std::time::{Duration, Instant};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use ccm_aws::{Aws, Options, Role};
use ccm_domain::{ImageQuery, InstanceId, Scope};
use ccm_ports::{Compute, LaunchOrder, Measure, RemoteError};
use ccm_testkit::cloud::{Outcome, Standing};

use crate::site::{Site, at_once, config, two_regions};

fn scope(account: &str, region: &str) -> Scope {
    Scope { account: account.parse().unwrap(), region: region.parse().unwrap() }
}

fn place(site: &Site, scope: &Scope, running: bool) -> InstanceId {
    let image = site.cloud.images(&scope.region)[0].id.clone();
    let standing = Standing {
        image,
        instance_type: "m5zn.metal".parse().unwrap(),
        tags: [("Name".to_owned(), "standing".to_owned())].into(),
        running,
        since: Duration::from_secs(7_200),
        detailed_monitoring: false,
    };
    site.cloud.place(scope, &standing)
}

#[tokio::test]
async fn two_throttled_answers_are_overcome_by_the_sdk() {
    let site = Site::open().await;
    let own = scope("self", "eu-central-1");
    let id = place(&site, &own, true);
    let adapter = site.adapter(Options { attempts: 3, ..at_once() }).await;
    site.cloud.faults(|faults| faults.throttle_next = 2);

    let seen = adapter.sweep(&own).await.unwrap();

    assert_eq!(seen[0].id, id);
    assert_eq!(site.cloud.calls().values().sum::<u64>(), 4, "two calls and their repetitions");
}

#[tokio::test]
async fn a_lost_answer_is_repeated_by_the_sdk_under_the_same_token() {
    let site = Site::open().await;
    let own = scope("self", "eu-central-1");
    let adapter = site.adapter(Options { attempts: 3, ..at_once() }).await;
    let query = ImageQuery { id: None, name: Some("cml2-*".to_owned()) };
    let image = adapter.find_images(&own, &query).await.unwrap()[0].id.clone();
    let order = LaunchOrder {
        token: "operation-1".to_owned(),
        image,
        instance_type: "c5.2xlarge".parse().unwrap(),
        tags: [("Name".to_owned(), "lab".to_owned())].into(),
        subnet: None,
        security_groups: Vec::new(),
        key_name: None,
    };
    site.cloud.faults(|faults| faults.launch_answer_lost_next = 1);

    let launched = adapter.launch(&own, &order).await.unwrap();

    let ledger = site.cloud.ledger();
    let outcomes: Vec<Outcome> = ledger.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::Launched, Outcome::Repeated]);
    assert!(ledger.iter().all(|entry| entry.token.as_deref() == Some("operation-1")));
    assert_eq!(ledger[0].instances, [launched.id]);
}

#[tokio::test]
async fn a_sweep_costs_two_calls_a_page_and_no_more() {
    let site = Site::open().await;
    let own = scope("self", "eu-central-1");
    for n in 0..12 {
        place(&site, &own, n % 2 == 0);
    }
    let adapter = site.adapter(at_once()).await;

    let seen = adapter.sweep(&own).await.unwrap();

    assert_eq!(seen.len(), 12);
    let calls = site.cloud.calls();
    assert_eq!(calls["DescribeInstances"], 3, "pages of five");
    assert_eq!(calls["DescribeInstanceStatus"], 3, "stopped ones included");
}

#[tokio::test]
async fn readings_of_a_thousand_instances_cost_two_calls() {
    let site = Site::open().await;
    let own = scope("self", "eu-central-1");
    let ids: Vec<InstanceId> = (0..1_000).map(|_| place(&site, &own, true)).collect();
    let adapter = site.adapter(at_once()).await;
    let now = site.cloud.now();

    let read = adapter.cpu(&own, &ids, now.minus(Duration::from_secs(900)), now).await.unwrap();

    assert_eq!(read.len(), 1_000);
    assert_eq!(site.cloud.calls()["GetMetricData"], 2);
}

#[tokio::test]
async fn the_budget_spreads_requests_and_learns_from_throttling() {
    let site = Site::open().await;
    let own = scope("self", "eu-central-1");
    let adapter = site.adapter(Options { requests_per_second: 20.0, ..at_once() }).await;
    let started = Instant::now();
    for _ in 0..15 {
        // Two calls each.
        adapter.sweep(&own).await.unwrap();
    }
    let spread = started.elapsed();

    site.cloud.faults(|faults| faults.throttle_next = 1_000);
    adapter.sweep(&own).await.unwrap_err();
    site.cloud.faults(|faults| faults.throttle_next = 0);
    let started = Instant::now();
    for _ in 0..5 {
        adapter.sweep(&own).await.unwrap();
    }

    assert!(spread >= Duration::from_millis(450), "30 calls at 20 a second took {spread:?}");
    let slowed = started.elapsed();
    assert!(
        slowed >= Duration::from_millis(450),
        "10 calls at 10 a second or less took {slowed:?}"
    );
}

#[tokio::test]
async fn each_account_is_reached_through_its_role() {
    let external_ids = [("210987654321".parse().unwrap(), "shared-secret".to_owned())].into();
    let options = ccm_sim_aws::Options { external_ids, ..ccm_sim_aws::Options::default() };
    let site = Site::open_with(options).await;
    let theirs = scope("210987654321", "us-west-2");
    let id = place(&site, &theirs, true);
    let role: Role = "arn:aws:iam::210987654321:role/ccm".parse().unwrap();
    let roles = vec![role.clone().with_external_id("shared-secret")];
    let adapter = site.adapter(Options { roles, ..at_once() }).await;
    let stranger = site.adapter(Options { roles: vec![role], ..at_once() }).await;

    let seen = adapter.sweep(&theirs).await.unwrap();
    let elsewhere = adapter.sweep(&scope("210987654321", "eu-central-1")).await.unwrap();
    let arn = adapter.identity(&theirs).await.unwrap();
    let refused = stranger.sweep(&theirs).await;
    let unknown = adapter.sweep(&scope("111122223333", "us-west-2")).await;

    assert_eq!(seen[0].id, id);
    assert_eq!(elsewhere, []);
    assert!(arn.contains("210987654321"), "{arn}");
    assert!(matches!(refused, Err(RemoteError::Denied(_))), "{refused:?}");
    assert!(matches!(unknown, Err(RemoteError::Invalid(_))), "{unknown:?}");
    assert_eq!(adapter.scopes().len(), 2);
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let adapter = Aws::with(&config(&format!("http://{port}")).await, at_once()).unwrap();

    let swept = adapter.sweep(&scope("self", "eu-central-1")).await;

    assert!(matches!(swept, Err(RemoteError::Unavailable(_))), "{swept:?}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_unavailable() {
    let site = Site::open().await;
    site.cloud.faults(|faults| faults.delay_ms = 60_000);
    let options = Options { attempt_timeout: Duration::from_millis(200), ..at_once() };
    let adapter = site.adapter(options).await;

    let swept = adapter.sweep(&scope("self", "eu-central-1")).await;

    assert!(matches!(swept, Err(RemoteError::Unavailable(_))), "{swept:?}");
}

#[tokio::test]
async fn missing_credentials_are_a_denial() {
    let site = Site::open().await;
    let config = config(&site.endpoint).await;
    let nobody = SharedCredentialsProvider::new(Nobody);
    let config = config.to_builder().credentials_provider(nobody).build();
    let adapter = Aws::with(&config, at_once()).unwrap();

    let swept = adapter.sweep(&scope("self", "eu-central-1")).await;

    assert!(matches!(swept, Err(RemoteError::Denied(_))), "{swept:?}");
}

/// Has no credentials, like a machine on which nobody logged in.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nobody is logged in")))
    }
}

#[tokio::test]
async fn without_any_region_there_is_nothing_to_do() {
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .build();

    let refused = Aws::with(&config, Options::default());
    let named = Aws::with(&config, two_regions()).unwrap();

    assert!(matches!(refused, Err(RemoteError::Invalid(_))));
    let scopes: Vec<String> = named.scopes().iter().map(ToString::to_string).collect();
    assert_eq!(scopes, ["self/eu-central-1", "self/us-west-2"]);
}
