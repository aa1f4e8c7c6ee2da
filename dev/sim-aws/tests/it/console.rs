//! `/_sim`: reaching in as a person in the console, and looking at what has happened.

use axum::http::StatusCode;
use ccm_ports::LaunchOrder;
use ccm_testkit::cloud::Cloud;
use serde_json::{Value, json};
use std::time::Duration;

use crate::site::Site;

const REGION: &str = "eu-central-1";

async fn state(site: &Site) -> Value {
    site.sim("instances", None).await.1[0].clone()
}

#[tokio::test]
async fn a_person_stops_retypes_tags_and_starts_an_instance() {
    let site = Site::open();
    let id = site.place(REGION);

    let (stopped, _) = site.sim("stop", Some(json!({ "instance_id": id }))).await;
    site.clock.advance(Duration::from_secs(60));
    let at_rest = state(&site).await;
    let (retyped, _) =
        site.sim("type", Some(json!({ "instance_id": id, "instance_type": "m5.large" }))).await;
    let tag = json!({ "instance_id": id, "key": "team", "value": "net" });
    let (tagged, _) = site.sim("tag", Some(tag)).await;
    let (untagged, _) =
        site.sim("tag", Some(json!({ "instance_id": id, "key": "Name", "value": null }))).await;
    let (started, _) = site.sim("start", Some(json!({ "instance_id": id }))).await;

    for status in [stopped, retyped, tagged, untagged, started] {
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    assert_eq!(at_rest["state"], "stopped");
    assert_eq!(at_rest["state_reason"], "Client.UserInitiatedShutdown: User initiated shutdown");
    let now = state(&site).await;
    assert_eq!(now["state"], "pending");
    assert_eq!(now["instance_type"], "m5.large");
    assert_eq!(now["tags"], json!({ "team": "net" }));
    assert_eq!((&now["account"], &now["region"]), (&json!("123456789012"), &json!(REGION)));
}

#[tokio::test]
async fn other_endings_have_other_reasons() {
    let site = Site::open();
    let id = site.place(REGION);

    site.sim("stop", Some(json!({ "instance_id": id, "why": "inside" }))).await;
    let inside = state(&site).await["state_reason"].clone();
    site.sim("terminate", Some(json!({ "instance_id": id, "why": "spot" }))).await;
    let spot = state(&site).await["state_reason"].clone();
    site.sim("forget", Some(json!({ "instance_id": id }))).await;

    assert!(inside.as_str().unwrap().starts_with("Client.InstanceInitiatedShutdown"), "{inside}");
    assert!(spot.as_str().unwrap().starts_with("Server.SpotInstanceTermination"), "{spot}");
    assert_eq!(site.sim("instances", None).await.1, json!([]));
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_changes_nothing() {
    let site = Site::open();
    let id = site.place(REGION);
    for (path, body, status) in [
        ("stop", json!({ "instance_id": "i-0deadbeefdeadbeef" }), 400),
        ("type", json!({ "instance_id": id, "instance_type": "m5.large" }), 400),
        ("stop", json!({ "instance_id": "worker" }), 422),
        ("stop", json!({ "instance_id": id, "force": true }), 422),
        ("faults", json!({ "throtle_next": 1 }), 422),
    ] {
        let (seen, answer) = site.sim(path, Some(body.clone())).await;

        assert_eq!(seen.as_u16(), status, "{path} {body}: {answer}");
    }
    assert_eq!(state(&site).await["state"], "running");
}

#[tokio::test]
async fn faults_are_set_read_and_used_up() {
    let site = Site::open();
    let (_, told) =
        site.sim("faults", Some(json!({ "throttle_next": 1, "denied": ["StopInstances"] }))).await;

    let (throttled, body) = site.ec2(REGION, "Action=DescribeInstances").await;
    let (fine, _) = site.ec2(REGION, "Action=DescribeInstances").await;

    assert_eq!(told["throttle_next"], 1);
    assert_eq!(throttled, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("<Code>RequestLimitExceeded</Code>"), "{body}");
    assert_eq!(fine, StatusCode::OK);
    let (_, left) = site.sim("faults", None).await;
    assert_eq!((&left["throttle_next"], &left["denied"]), (&json!(0), &json!(["StopInstances"])));
    assert_eq!(site.sim("calls", None).await.1, json!({ "DescribeInstances": 2 }));
}

#[tokio::test]
async fn the_ledger_lists_every_run_with_its_token() {
    let site = Site::open();
    let image = site.cloud.images(&REGION.parse().unwrap())[0].id.clone();
    let run = |token: &str, kind: &str| {
        format!(
            "Action=RunInstances&ImageId={image}&InstanceType={kind}&MinCount=1&MaxCount=1&ClientToken={token}"
        )
    };
    for (token, kind) in
        [("a", "c5.large"), ("a", "c5.large"), ("a", "c5.xlarge"), ("b", "c5.large")]
    {
        site.ec2(REGION, &run(token, kind)).await;
    }

    let (_, ledger) = site.sim("ledger", None).await;

    let rows = ledger.as_array().unwrap();
    let of = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("token"), ["a", "a", "a", "b"]);
    assert_eq!(of("outcome"), ["launched", "repeated", "mismatch", "launched"]);
    assert_eq!(rows[0]["instances"], rows[1]["instances"]);
    assert_eq!(rows[2]["instances"], json!([]));
    assert_eq!(count(&site.cloud), 2);
}

fn count(cloud: &Cloud) -> usize {
    // The model agrees with its ledger.
    let launched = cloud
        .ledger()
        .into_iter()
        .filter(|entry| entry.outcome == ccm_testkit::cloud::Outcome::Launched);
    assert_eq!(launched.count(), cloud.all().len());
    cloud.all().len()
}

#[tokio::test]
async fn an_order_keeps_its_tags_and_groups() {
    let site = Site::open();
    let image = site.cloud.images(&REGION.parse().unwrap())[0].id.clone();
    let form = format!(
        "Action=RunInstances&ImageId={image}&InstanceType=c5.large&MinCount=1&MaxCount=1&ClientToken=t\
         &SubnetId=subnet-1&SecurityGroupId.1=sg-1&SecurityGroupId.2=sg-2&KeyName=labs&Monitoring.Enabled=true\
         &TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b\
         &TagSpecification.2.ResourceType=instance&TagSpecification.2.Tag.1.Key=Name&TagSpecification.2.Tag.1.Value=lab+7"
    );
    let (status, body) = site.ec2(REGION, &form).await;
    assert_eq!(status, StatusCode::OK, "{body}");

    // The same order by the port finds the same instance: both faces read it alike.
    let order = LaunchOrder {
        token: "t".to_owned(),
        image,
        instance_type: "c5.large".parse().unwrap(),
        tags: [("Name".to_owned(), "lab 7".to_owned())].into(),
        subnet: Some("subnet-1".to_owned()),
        security_groups: vec!["sg-1".to_owned(), "sg-2".to_owned()],
        key_name: Some("labs".to_owned()),
    };
    let scope = site.cloud.scopes()[0].clone();
    let again = site.cloud.run_instances(&scope, &order, 1).await.unwrap();

    assert!(body.contains(again[0].instance.id.as_str()), "{body}");
    assert!(again[0].instance.detailed_monitoring);
}
