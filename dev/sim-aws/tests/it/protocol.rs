//! Answers and refusals, byte for byte where that matters to clients.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::site::{Site, signature};

const REGION: &str = "eu-central-1";

#[tokio::test]
async fn an_unsigned_call_is_refused() {
    let site = Site::open();
    let request = Request::post("/").body(Body::from("Action=DescribeInstances")).unwrap();

    let (status, body) = site.text(request).await;

    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("<Response><Errors><Error><Code>AuthFailure</Code>"), "{body}");
}

#[tokio::test]
async fn refusals_have_ec2s_codes_and_statuses() {
    let site = Site::open();
    let id = site.place(REGION);
    let missing = "i-0deadbeefdeadbeef";
    for (form, status, code) in [
        ("", 400, "MissingParameter"),
        ("Action=Dance", 400, "InvalidAction"),
        ("Action=StartInstances", 400, "MissingParameter"),
        ("Action=StartInstances&InstanceId.1=worker", 400, "InvalidInstanceID.Malformed"),
        (
            &format!("Action=StartInstances&InstanceId.1={missing}"),
            400,
            "InvalidInstanceID.NotFound",
        ),
        (
            &format!("Action=DescribeInstances&InstanceId.1={missing}"),
            400,
            "InvalidInstanceID.NotFound",
        ),
        (
            &format!("Action=DescribeInstances&InstanceId.1={id}&MaxResults=5"),
            400,
            "InvalidParameterCombination",
        ),
        ("Action=DescribeInstances&MaxResults=4", 400, "InvalidParameterValue"),
        ("Action=DescribeInstances&MaxResults=many", 400, "InvalidParameterValue"),
        ("Action=DescribeInstances&NextToken=x", 400, "InvalidNextToken"),
        (
            "Action=DescribeInstances&Filter.1.Name=colour&Filter.1.Value.1=red",
            400,
            "InvalidParameterValue",
        ),
        (
            "Action=DescribeInstanceStatus&Filter.1.Name=instance-id&Filter.1.Value.1=i",
            400,
            "InvalidParameterValue",
        ),
        (
            "Action=RunInstances&ImageId=ami-00000000&MinCount=1&MaxCount=1",
            400,
            "InvalidAMIID.NotFound",
        ),
        ("Action=RunInstances&ImageId=image&MinCount=1&MaxCount=1", 400, "InvalidAMIID.Malformed"),
        ("Action=RunInstances&ImageId=ami-00000000", 400, "MissingParameter"),
        (&format!("Action=StartInstances&InstanceId.1={id}&DryRun=true"), 412, "DryRunOperation"),
        (
            &format!("Action=ModifyInstanceAttribute&InstanceId={id}&InstanceType.Value=c5.large"),
            400,
            "IncorrectInstanceState",
        ),
        (
            &format!("Action=CreateTags&ResourceId.1={id}&Tag.1.Key=aws:x&Tag.1.Value=y"),
            400,
            "InvalidParameterValue",
        ),
    ] {
        let (seen, body) = site.ec2(REGION, form).await;

        assert_eq!(seen.as_u16(), status, "{form}: {body}");
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{form}: {body}");
    }
}

#[tokio::test]
async fn an_instance_is_described_in_ec2s_words() {
    let site = Site::open();
    let id = site.place(REGION);

    let (status, body) =
        site.ec2(REGION, &format!("Action=DescribeInstances&InstanceId.1={id}")).await;
    let (_, elsewhere) = site.ec2("us-east-1", "Action=DescribeInstances").await;

    assert_eq!(status, StatusCode::OK);
    for part in [
        r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>"#,
        "<ownerId>123456789012</ownerId>",
        "<instanceState><code>16</code><name>running</name></instanceState>",
        "<tagSet><item><key>Name</key><value>lab &lt;1&gt;</value></item></tagSet>",
        "<monitoring><state>disabled</state></monitoring>",
    ] {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
    assert!(elsewhere.contains("<reservationSet></reservationSet>"), "{elsewhere}");
}

#[tokio::test]
async fn filters_must_all_hold_and_take_patterns() {
    let site = Site::open();
    let id = site.place(REGION);
    for (filters, found) in [
        ("Filter.1.Name=tag:Name&Filter.1.Value.1=lab*", true),
        ("Filter.1.Name=tag:Name&Filter.1.Value.1=x&Filter.1.Value.2=lab ?1>", true),
        (
            "Filter.1.Name=tag-key&Filter.1.Value.1=Name&Filter.2.Name=instance-state-name&Filter.2.Value.1=stopped",
            false,
        ),
        (
            "Filter.1.Name=instance-state-name&Filter.1.Value.1=running&Filter.1.Value.2=stopped",
            true,
        ),
        ("Filter.1.Name=instance-type&Filter.1.Value.1=c5.*", true),
        ("Filter.1.Name=tag:team&Filter.1.Value.1=*", false),
    ] {
        let form =
            format!("Action=DescribeInstances&{}", filters.replace(' ', "+").replace('>', "%3E"));
        let (_, body) = site.ec2(REGION, &form).await;

        assert_eq!(body.contains(id.as_str()), found, "{filters}: {body}");
    }
}

#[tokio::test]
async fn pages_are_whole_although_instances_come_and_go() {
    let site = Site::open();
    let mut ids: Vec<_> = (0..12).map(|_| site.place(REGION)).collect();
    ids.sort();
    let (_, first) = site.ec2(REGION, "Action=DescribeInstances&MaxResults=5").await;
    let token =
        first.split("<nextToken>").nth(1).unwrap().split('<').next().unwrap().replace(':', "%3A");
    // One that was shown goes, one appears: what is not yet shown moves by no place.
    site.cloud.forget(&ids[0]).unwrap();
    let (_, second) = site
        .ec2(REGION, &format!("Action=DescribeInstances&MaxResults=1000&NextToken={token}"))
        .await;

    let shown = |body: &str| ids.iter().filter(|id| body.contains(id.as_str())).count();
    assert_eq!((shown(&first), shown(&second)), (5, 7));
    assert!(!second.contains("<nextToken>"), "{second}");
}

#[tokio::test]
async fn sts_tells_who_calls_and_refuses_what_is_no_role() {
    let site = Site::open();

    let (status, who) = site.query("sts", "us-east-1", "Action=GetCallerIdentity").await;
    let role = "Action=AssumeRole&RoleArn=me&RoleSessionName=x";
    let (refused, problem) = site.query("sts", "us-east-1", role).await;

    assert_eq!(status, StatusCode::OK);
    assert!(who.contains("<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:"), "{who}");
    assert_eq!(refused, StatusCode::BAD_REQUEST);
    assert!(
        problem.contains("<ErrorResponse") && problem.contains("<Code>ValidationError</Code>"),
        "{problem}"
    );
}

#[tokio::test]
async fn cloudwatch_refuses_in_cbor_with_the_old_code_in_a_header() {
    let site = Site::open();
    let path = "/service/GraniteServiceVersion20100801/operation/GetMetricData";
    let request = |protocol: &str, body: &'static [u8]| {
        Request::post(path)
            .header(header::AUTHORIZATION, signature("monitoring", REGION))
            .header("smithy-protocol", protocol)
            .body(Body::from(body))
            .unwrap()
    };

    // An empty map, half a map, and the right body under the wrong protocol.
    for (protocol, body, code) in [
        ("rpc-v2-cbor", &[0xa0][..], "ValidationError"),
        ("rpc-v2-cbor", &[0xa1, 0x61], "SerializationException"),
        ("aws-json", &[0xa0], "ValidationError"),
    ] {
        let (status, bytes) = site.bytes(request(protocol, body)).await;

        assert_eq!(status, StatusCode::BAD_REQUEST);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains(&format!("com.amazonaws.cloudwatch#{code}")), "{text}");
    }
}
