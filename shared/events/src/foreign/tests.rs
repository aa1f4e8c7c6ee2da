use super::*;
use crate::signature::{self, SigningKey, Untrusted};
use ccm_domain::{InstanceState, Timestamp};
use serde_json::json;

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

type Header = (&'static str, &'static str);

/// The least that an event must have, in binary mode.
const LEAST: [Header; 4] = [
    ("ce-specversion", "1.0"),
    ("ce-id", "a-1"),
    ("ce-source", "/here"),
    ("ce-type", "org.example.happened"),
];

fn message<'a>(headers: &'a [(&'a str, &'a [u8])], body: &'a [u8]) -> Message<'a> {
    Message { headers, body }
}

fn read_with(headers: &[Header], body: &[u8]) -> Result<Vec<Foreign>, Unreadable> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    read(&message(&headers, body))
}

fn read_as(media: &'static str, body: &Value) -> Result<Vec<Foreign>, Unreadable> {
    read_with(&[("content-type", media)], body.to_string().as_bytes())
}

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/here", "type": "org.example.happened"})
}

/// An event with one more attribute; `null` takes one away.
fn event_with(name: &str, value: Value) -> Value {
    let mut event = event("a-1");
    event[name] = value;
    event
}

fn pointers(outcome: Result<Vec<Foreign>, Unreadable>) -> Vec<String> {
    match outcome {
        Err(Unreadable::Invalid(faults)) => faults.into_iter().map(|f| f.pointer).collect(),
        other => panic!("{other:?}"),
    }
}

fn notice(state: &str) -> Value {
    json!({
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": "123456789012",
        "time": "2026-11-11T21:29:54Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:ec2:eu-central-1:123456789012:instance/i-0abcd1234ef567890"],
        "detail": {"instance-id": "i-0abcd1234ef567890", "state": state},
    })
}

#[test]
fn the_three_modes_say_the_same() {
    let data = json!({"n": 1});
    let mut headers = vec![("content-type", "Application/JSON; charset=UTF-8")];
    headers.extend(LEAST);
    let whole = event_with("data", data.clone());

    let binary = read_with(&headers, data.to_string().as_bytes()).unwrap();
    let single = read_as("Application/CloudEvents+JSON; charset=\"utf-8\"", &whole).unwrap();
    let batch = read_as(BATCH, &json!([whole])).unwrap();

    for read in [&binary, &single, &batch] {
        let event = &read[0];
        assert_eq!((event.id.as_str(), event.source.as_str()), ("a-1", "/here"));
        assert_eq!(event.kind, "org.example.happened");
        assert_eq!(event.data, Some(data.clone()));
    }
    assert_eq!(read_as(BATCH, &json!([])), Ok(Vec::new()));
}

#[test]
fn media_types_are_told_apart_whatever_their_case() {
    let (one, many) = (event("a").to_string(), json!([event("a")]).to_string());
    for (media, body, fits) in [
        (STRUCTURED, &one, true),
        ("APPLICATION/CLOUDEVENTS+JSON", &one, true),
        ("application/cloudevents+json;charset=us-ascii", &one, true),
        ("application/cloudevents+json; charset=latin1", &one, false),
        (BATCH, &many, true),
        ("application/CloudEvents-Batch+json; charset=utf-8", &many, true),
        ("application/cloudevents", &one, false),
        ("application/cloudevents-batch", &many, false),
        ("application/cloudevents+avro", &one, false),
        ("application/cloudevents-batch+xml", &many, false),
        ("text/plain", &one, false),
        ("", &one, false),
    ] {
        let read = read_with(&[("content-type", media)], body.as_bytes());
        match read {
            Ok(events) => assert!(fits && events.len() == 1, "{media}"),
            Err(Unreadable::Media(_)) => assert!(!fits, "{media}"),
            Err(other) => panic!("{media}: {other:?}"),
        }
    }
    assert!(matches!(read_with(&[], one.as_bytes()), Err(Unreadable::Media(_))));
}

#[test]
fn headers_are_unquoted_and_percent_decoded_once() {
    for (sent, meant) in [
        // The vectors of the HTTP binding.
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%c3%bc", "ü"),
        ("a%2520b", "a%20b"),
        ("\"a b\"", "a b"),
        (r#""a \"b\" \\ c""#, r#"a "b" \ c"#),
        ("\"%41\"", "A"),
        ("  a  ", "a"),
        ("Größe", "Größe"),
        ("", ""),
    ] {
        assert_eq!(binary::decode(sent.as_bytes()).as_deref(), Ok(meant), "{sent}");
    }
    for bad in ["%", "%4", "%zz", "%E2%82", "%FF", "\"open", "\"a\"b\"", "\"a\\\"", "\""] {
        assert!(binary::decode(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(binary::decode(b"\xff").is_err());
}

#[test]
fn what_is_wrong_with_a_header_is_named() {
    for (name, value, pointer) in [
        ("ce-specversion", "0.3", "header/ce-specversion"),
        ("ce-id", "", "header/ce-id"),
        ("ce-source", "%FF", "header/ce-source"),
        ("ce-type", "a%0Ab", "header/ce-type"),
        ("ce-subject", "", "header/ce-subject"),
        ("ce-time", "yesterday", "header/ce-time"),
        ("ce-datacontenttype", "application/json", "header/ce-datacontenttype"),
        ("ce-my_own", "1", "header/ce-my_own"),
    ] {
        let mut headers: Vec<Header> = vec![("content-type", "text/plain")];
        headers.extend(LEAST.into_iter().filter(|(known, _)| *known != name));
        headers.push((name, value));

        assert_eq!(pointers(read_with(&headers, b"words")), [pointer], "{name}: {value}");
    }
    let twice: Vec<Header> = LEAST.into_iter().chain([("ce-id", "a-2")]).collect();
    assert_eq!(pointers(read_with(&twice, b"")), ["header/ce-id"]);
    let headers: Vec<Header> = vec![("content-type", "text/plain"), ("ce-id", "a")];
    let missing = ["header/ce-specversion", "header/ce-source", "header/ce-type"];
    assert_eq!(pointers(read_with(&headers, b"")), missing);
}

#[test]
fn a_payload_is_read_where_it_is_json_and_left_alone_elsewhere() {
    for (media, body, data) in [
        (Some("application/json"), "[1]", Some(json!([1]))),
        (Some("application/vnd.a+json"), "[1]", Some(json!([1]))),
        (Some("application/json"), "", None),
        (Some("text/plain"), "[1]", None),
        (None, "[1]", Some(json!([1]))),
        (None, "words", None),
    ] {
        let mut headers = LEAST.to_vec();
        headers.extend(media.map(|media| ("content-type", media)));

        let read = read_with(&headers, body.as_bytes()).unwrap();

        assert_eq!(read[0].data, data, "{media:?} {body}");
    }
    let mut headers = LEAST.to_vec();
    headers.push(("content-type", "application/json"));
    assert_eq!(pointers(read_with(&headers, b"{")), ["/"]);
}

#[test]
fn what_is_wrong_with_a_field_is_named() {
    for (name, value, pointer) in [
        ("specversion", json!("1.1"), "/specversion"),
        ("specversion", json!(1.0), "/specversion"),
        ("specversion", Value::Null, "/specversion"),
        ("id", json!(7), "/id"),
        ("id", json!(""), "/id"),
        ("source", Value::Null, "/source"),
        ("type", json!(["a"]), "/type"),
        ("subject", json!(""), "/subject"),
        ("time", json!("12:00"), "/time"),
        ("datacontenttype", json!("json"), "/datacontenttype"),
        ("data_base64", json!("???"), "/data_base64"),
        ("Tenant", json!("a"), "/Tenant"),
        ("a/b", json!("a"), "/a~1b"),
        ("tenant", json!({"a": 1}), "/tenant"),
        ("tenant", json!(1.5), "/tenant"),
        ("tenant", json!(4_294_967_296_u64), "/tenant"),
        ("tenant", json!("a\u{7}"), "/tenant"),
    ] {
        let sent = event_with(name, value);
        assert_eq!(pointers(read_as(STRUCTURED, &sent)), [pointer], "{sent}");
    }
    let both = json!({"specversion": "1.0", "id": "a", "source": "/", "type": "t",
        "data": 1, "data_base64": "AA=="});
    assert_eq!(pointers(read_as(STRUCTURED, &both)), ["/data_base64"]);
    for body in ["", "{", "[]", "7", "\"a\""] {
        let read = read_with(&[("content-type", STRUCTURED)], body.as_bytes());
        assert_eq!(pointers(read), ["/"], "{body}");
    }
}

#[test]
fn extensions_and_all_forms_of_payloads_are_taken() {
    for (name, value) in [
        ("tenant", json!("a")),
        ("sampled", json!(true)),
        ("rank", json!(-2_147_483_648_i64)),
        ("absent", Value::Null),
        ("time", json!("2026-11-11T21:29:54.123+01:00")),
        ("subject", json!("lab/7")),
        ("dataschema", json!("https://schemas.example/a")),
    ] {
        assert!(read_as(STRUCTURED, &event_with(name, value.clone())).is_ok(), "{name} {value}");
    }
    for (data, base64, expected) in [
        (json!("words"), None, Some(json!("words"))),
        (json!(null), Some("eyJuIjoxfQ=="), Some(json!({"n": 1}))),
        (json!(null), Some("AAEC"), None),
        (json!(null), None, Some(json!(null))),
    ] {
        let mut sent = event_with("data", data);
        if let Some(base64) = base64 {
            sent.as_object_mut().unwrap().remove("data");
            sent["data_base64"] = json!(base64);
        }
        assert_eq!(read_as(STRUCTURED, &sent).unwrap()[0].data, expected, "{sent}");
    }
}

#[test]
fn one_wrong_event_refuses_its_batch_and_is_named() {
    let mut wrong = event_with("id", Value::Null);
    wrong["type"] = json!(7);
    let batch = json!([event("a"), wrong, event("b"), 7]);

    assert_eq!(pointers(read_as(BATCH, &batch)), ["/1/type", "/1/id", "/3"]);
    let many: Vec<Value> = vec![json!({}); 100];
    assert_eq!(pointers(read_as(BATCH, &json!(many))).len(), 20);
    assert_eq!(pointers(read_as(BATCH, &event("a"))), ["/"]);
}

#[test]
fn bodies_events_and_batches_are_bounded() {
    let spare = event_with("data", json!("")).to_string().len();
    let sized = |bytes: usize| event_with("data", json!("x".repeat(bytes - spare)));
    let batch = |count: usize| json!(vec![event("a"); count]);
    for (media, body, fits) in [
        (STRUCTURED, sized(MOST_EVENT), true),
        (STRUCTURED, sized(MOST_EVENT + 1), false),
        (BATCH, json!([sized(MOST_EVENT)]), true),
        (BATCH, json!([sized(MOST_EVENT + 1)]), false),
        (BATCH, batch(MOST_EVENTS), true),
        (BATCH, batch(MOST_EVENTS + 1), false),
        (BATCH, json!(vec![sized(MOST_EVENT); 16]), false),
    ] {
        match read_as(media, &body) {
            Ok(_) => assert!(fits, "{} bytes as {media}", body.to_string().len()),
            Err(Unreadable::TooLarge(_)) => assert!(!fits, "as {media}"),
            Err(other) => panic!("{other:?}"),
        }
    }
    let mut headers = LEAST.to_vec();
    headers.push(("content-type", "text/plain"));
    let of_headers: usize = LEAST.iter().map(|(name, value)| name.len() - 3 + value.len()).sum();
    assert!(read_with(&headers, &vec![0; MOST_EVENT - of_headers]).is_ok());
    let larger = read_with(&headers, &vec![0; MOST_EVENT - of_headers + 1]);
    assert!(matches!(larger, Err(Unreadable::TooLarge(_))), "{larger:?}");
}

#[test]
fn a_notice_of_an_instance_is_found_in_all_its_wrappings() {
    let whole = notice("shutting-down");
    let inner = whole["detail"].clone();
    let typed = |data: &Value| {
        let mut event = event_with("data", data.clone());
        event["type"] = whole["detail-type"].clone();
        event
    };
    let mut binary = LEAST.to_vec();
    binary.push(("content-type", "application/json"));
    let text = whole.to_string();
    for (what, read) in [
        ("bare", read_as("application/json", &whole)),
        ("binary", read_with(&binary, text.as_bytes())),
        ("structured", read_as(STRUCTURED, &event_with("data", whole.clone()))),
        ("by its type", read_as(STRUCTURED, &typed(&whole))),
        ("only the inner part", read_as(STRUCTURED, &typed(&inner))),
    ] {
        let notice = read.unwrap()[0].instance_notice().unwrap().unwrap();

        assert_eq!(notice.instance.as_str(), "i-0abcd1234ef567890", "{what}");
        assert_eq!(notice.state, InstanceState::ShuttingDown, "{what}");
    }
    let bare = read_as("application/json", &whole).unwrap().remove(0);
    assert_eq!(
        (bare.id.as_str(), bare.source.as_str()),
        (whole["id"].as_str().unwrap(), "aws.ec2")
    );
}

#[test]
fn a_notice_that_says_nothing_is_named_and_other_events_are_none() {
    let mut nameless = notice("running");
    nameless["detail"]["instance-id"] = json!("i-7");
    let mut stateless = notice("running");
    stateless["detail"]["state"] = json!(16);
    for (media, sent, pointer) in [
        ("application/json", nameless.clone(), "/detail/instance-id"),
        (STRUCTURED, event_with("data", nameless.clone()), "/data/detail/instance-id"),
        (BATCH, json!([event_with("data", nameless)]), "/0/data/detail/instance-id"),
        ("application/json", stateless, "/detail/state"),
    ] {
        let read = read_as(media, &sent).unwrap();
        assert_eq!(read[0].instance_notice().unwrap_err().pointer, pointer, "{sent}");
    }
    let mut other = notice("running");
    other["detail-type"] = json!("EC2 Spot Instance Interruption Warning");
    for sent in [other, json!({"id": "a", "source": "b", "detail-type": "c", "detail": 7})] {
        let read = read_as("application/json", &sent).unwrap();
        assert_eq!(read[0].instance_notice(), Ok(None), "{sent}");
    }
    assert_eq!(read_as(STRUCTURED, &event("a")).unwrap()[0].instance_notice(), Ok(None));
}

#[test]
fn json_that_is_no_event_at_all_misses_the_version() {
    for body in ["{}", "[]", "7", "{", "", r#"{"detail-type": "a", "source": "b", "id": "c"}"#] {
        let read = read_with(&[("content-type", "application/json")], body.as_bytes());
        assert_eq!(pointers(read), ["header/ce-specversion"], "{body}");
    }
    let nameless = json!({"detail-type": "a", "detail": {}, "source": "b"});
    assert_eq!(pointers(read_as("application/json", &nameless)), ["/id"]);
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "a-token-of-twenty-xx";

fn admitted(gate: &Gate, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Stranger> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    gate.admit(&message(&headers, body), Timestamp::from_millis(1_700_000_000_000))
}

fn signed(signature: &str) -> Vec<(&str, &str)> {
    let (id, time) = (("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"));
    vec![id, time, ("webhook-signature", signature)]
}

fn signed_and(signature: &'static str, more: Header) -> Vec<Header> {
    let mut headers = signed(signature);
    headers.push(more);
    headers
}

#[test]
fn whoever_signs_or_has_the_token_is_let_in_and_nobody_else() {
    let gate = Gate::read([SECRET], [TOKEN, "another-token-of-xx"]).unwrap();
    let key: SigningKey = SECRET.parse().unwrap();
    let good = signature::sign(&[key], "msg_1", "1700000000", b"body");
    let bearer = ("authorization", "bearer a-token-of-twenty-xx");
    let no_match = Err(Stranger::Signature(Untrusted::NoMatch));

    assert_eq!(admitted(&gate, &signed(&good), b"body"), Ok(()));
    assert_eq!(admitted(&gate, &signed(&good), b"other"), no_match);
    let late = [("webhook-id", "msg_1"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,")];
    let late = admitted(&gate, &late, b"body");
    assert_eq!(late, Err(Stranger::Signature(Untrusted::OutOfTime)));
    for (headers, expected) in [
        (vec![], Err(Stranger::NoProof)),
        (vec![bearer], Ok(())),
        (vec![("authorization", "Bearer another-token-of-xx")], Ok(())),
        (vec![("authorization", "Bearer a-token-of-twenty-x")], Err(Stranger::Token)),
        (vec![("authorization", "Basic a-token-of-twenty-xx")], Err(Stranger::NoProof)),
        (vec![bearer, bearer], Err(Stranger::NoProof)),
        (signed("v1,AAAA"), no_match),
        (signed_and("v1,AAAA", bearer), Ok(())),
        (signed_and("v1,AAAA", ("authorization", "Bearer x")), no_match),
    ] {
        assert_eq!(admitted(&gate, &headers, b"body"), expected, "{headers:?}");
    }
}

#[test]
fn a_gate_without_secrets_is_closed_and_shows_none_with_them() {
    let closed = Gate::read([], []).unwrap();
    assert!(closed.is_closed());
    assert_eq!(admitted(&closed, &[("authorization", "Bearer x")], b""), Err(Stranger::Token));

    let open = Gate::read([SECRET], [TOKEN]).unwrap();
    assert!(!open.is_closed());
    assert_eq!(format!("{open:?}"), "Gate(1 keys, 1 tokens)");
    assert!(Gate::read(["whsec_short"], []).is_err());
    let headers: [(&str, &[u8]); 1] = [("authorization", b"Bearer hunter2")];
    assert!(!format!("{:?}", message(&headers, b"hunter2")).contains("hunter2"));
}
