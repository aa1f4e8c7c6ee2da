//! EC2 as somebody else understands it: moto, with boto3 as the other hand on the same instances.
//!
//! moto has no time: transitions are over at once. It keeps no tokens and cannot switch monitoring. What
//! needs these is tested on `ccm-sim-aws`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use ccm_aws::{Aws, Options, Role};
use ccm_domain::{ImageQuery, InstanceId, InstanceState, Scope, StatusCheck};
use ccm_ports::{Compute, LaunchOrder, RemoteError};
use serde_json::Value;

use crate::site::{at_once, config};

/// One server for all tests of this binary; each test has a region of its own.
static MOTO: LazyLock<Moto> = LazyLock::new(Moto::start);

struct Moto {
    endpoint: String,
    /// Ends when its stdin closes, which it does with this process.
    _server: Child,
}

impl Moto {
    fn start() -> Self {
        let mut server = fleet(&["serve"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|err| panic!("cannot start {}: {err}. {HINT}", python().display()));
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("moto did not start, it said {line:?} (see above). {HINT}");
        });
        Self { endpoint: told["endpoint"].as_str().unwrap().to_owned(), _server: server }
    }
}

const HINT: &str = "Needed is a Python with moto[server] and boto3: set CCM_TEST_PYTHON, or run \
                    `python3 -m venv ~/.cache/ccm/venv && ~/.cache/ccm/venv/bin/pip install 'moto[server]' boto3`";

#[expect(clippy::disallowed_methods, reason = "where Python is concerns this test only")]
fn python() -> PathBuf {
    std::env::var_os("CCM_TEST_PYTHON").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/ccm/venv/bin/python"),
        PathBuf::from,
    )
}

fn fleet(arguments: &[&str]) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/protocols/moto/fleet.py");
    let mut command = Command::new(python());
    command.arg(script).args(arguments);
    command
}

/// A region of moto, seen by boto3 and by our adapter.
struct Place {
    region: &'static str,
    adapter: Aws,
}

impl Place {
    async fn at(region: &'static str) -> Self {
        let options = Options { regions: vec![region.parse().unwrap()], ..at_once() };
        let adapter = Aws::with(&config(&MOTO.endpoint).await, options).unwrap();
        Self { region, adapter }
    }

    fn scope(&self) -> Scope {
        Scope { account: ccm_domain::Account::default(), region: self.region.parse().unwrap() }
    }

    /// Lets boto3 do something.
    fn boto3(&self, verb: &str, words: &[&str]) -> Value {
        let arguments = [&[verb, &MOTO.endpoint, self.region], words].concat();
        let done = fleet(&arguments).output().unwrap();
        let problem = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{verb} {words:?}: {problem}");
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// Makes instances by boto3; every third is stopped.
    fn made(&self, count: usize) -> Vec<InstanceId> {
        let made = self.boto3("make", &[&count.to_string()]);
        let ids = made["ids"].as_array().unwrap().iter();
        ids.map(|id| id.as_str().unwrap().parse().unwrap()).collect()
    }

    async fn state(&self, id: &InstanceId) -> InstanceState {
        self.adapter.look(&self.scope(), std::slice::from_ref(id)).await.unwrap()[0].state
    }
}

#[tokio::test]
async fn instances_made_by_boto3_are_seen_as_boto3_sees_them() {
    let place = Place::at("eu-central-1").await;
    let made = place.made(23);

    let swept = place.adapter.sweep(&place.scope()).await.unwrap();

    let theirs = place.boto3("view", &[]);
    assert_eq!(swept.len(), made.len());
    for seen in &swept {
        let their = &theirs[seen.id.as_str()];
        let stopped = seen.state == InstanceState::Stopped;
        assert_eq!(their["state"], if stopped { "stopped" } else { "running" }, "{seen:?}");
        assert_eq!(their["type"], seen.instance_type.as_str());
        assert_eq!(their["image"], seen.image_id.as_ref().unwrap().as_str());
        assert_eq!(their["public_ip"].as_str(), seen.public_ip.as_deref());
        assert_eq!(their["private_ip"].as_str(), seen.private_ip.as_deref());
        assert_eq!(their["tags"], serde_json::to_value(&seen.tags).unwrap());
        let check = if stopped { StatusCheck::NotApplicable } else { StatusCheck::Ok };
        assert_eq!((seen.system_check, seen.instance_check), (check, check), "{seen:?}");
        assert!(seen.launched_at.is_some() && made.contains(&seen.id), "{seen:?}");
    }
    assert_eq!(swept.iter().filter(|seen| seen.state == InstanceState::Stopped).count(), 7);
}

#[tokio::test]
async fn what_the_adapter_starts_and_stops_moto_sees_so_too() {
    let place = Place::at("eu-west-1").await;
    let made = place.made(3);
    let (scope, running, stopped) = (place.scope(), &made[0], &made[2]);

    place.adapter.stop(&scope, running).await.unwrap();
    place.adapter.start(&scope, stopped).await.unwrap();
    place.adapter.terminate(&scope, &made[1]).await.unwrap();

    let theirs = place.boto3("view", &[]);
    assert_eq!(theirs[running.as_str()]["state"], "stopped");
    assert_eq!(theirs[stopped.as_str()]["state"], "running");
    assert_eq!(theirs[made[1].as_str()]["state"], "terminated");
    let seen = place.adapter.look(&scope, std::slice::from_ref(running)).await.unwrap();
    assert_eq!(seen[0].state, InstanceState::Stopped);
    assert!(
        seen[0].state_reason.as_deref().unwrap_or_default().contains("User initiated"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn what_boto3_does_the_adapter_sees() {
    let place = Place::at("eu-north-1").await;
    let id = place.made(1).remove(0);

    place.boto3("do", &["stop", id.as_str()]);
    let stopped = place.state(&id).await;
    place.boto3("do", &["tag", id.as_str(), "team", "ü & <x>"]);
    place.boto3("do", &["terminate", id.as_str()]);

    assert_eq!(stopped, InstanceState::Stopped);
    let seen = place.adapter.look(&place.scope(), std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(seen[0].state, InstanceState::Terminated);
    assert_eq!(seen[0].tags["team"], "ü & <x>");
}

#[tokio::test]
async fn a_launch_is_what_was_ordered() {
    let place = Place::at("us-east-1").await;
    let images = place.boto3("images", &[]);
    let tags = BTreeMap::from([
        ("Name".to_owned(), "lab 7".to_owned()),
        ("ccm:worker".to_owned(), "0198c0de".to_owned()),
    ]);
    let order = LaunchOrder {
        token: "operation-1".to_owned(),
        image: images["cml2-p_amd64-2.9.0-6"].as_str().unwrap().parse().unwrap(),
        instance_type: "c5.4xlarge".parse().unwrap(),
        tags: tags.clone(),
        subnet: None,
        security_groups: Vec::new(),
        key_name: None,
    };

    let launched = place.adapter.launch(&place.scope(), &order).await.unwrap();

    let their = &place.boto3("view", &[])[launched.id.as_str()];
    assert_eq!(their["type"], "c5.4xlarge");
    assert_eq!(their["image"], order.image.as_str());
    assert_eq!(their["tags"], serde_json::to_value(&tags).unwrap());
    assert_eq!(their["metadata_tokens"], "required");
    assert_eq!((launched.state, &launched.tags), (InstanceState::Pending, &tags));
}

#[tokio::test]
async fn tags_are_set_and_removed_as_boto3_sees_it() {
    let place = Place::at("us-west-2").await;
    let id = place.made(1).remove(0);
    let set = BTreeMap::from([("team".to_owned(), "Süd \"&\" 1=1".to_owned())]);

    place.adapter.tag(&place.scope(), &id, &set, &["owner".to_owned()]).await.unwrap();

    let their = &place.boto3("view", &[])[id.as_str()]["tags"];
    assert_eq!(*their, serde_json::json!({ "Name": "worker-00", "team": "Süd \"&\" 1=1" }));
}

#[tokio::test]
async fn images_are_found_by_pattern() {
    let place = Place::at("ap-southeast-2").await;
    let images = place.boto3("images", &[]);
    let find = async |id: Option<&str>, name: Option<&str>| {
        let query =
            ImageQuery { id: id.map(|id| id.parse().unwrap()), name: name.map(str::to_owned) };
        let found = place.adapter.find_images(&place.scope(), &query).await.unwrap();
        found.into_iter().map(|image| image.id.to_string()).collect::<Vec<_>>()
    };

    let by_pattern = find(None, Some("cml2-*-2.9.0-*")).await;
    let by_id = find(images["refplat-20250616-cml2.9.0"].as_str(), None).await;
    let none = find(None, Some("no-such-image")).await;

    assert_eq!(by_pattern, [images["cml2-p_amd64-2.9.0-6"].as_str().unwrap()]);
    assert_eq!(by_id, [images["refplat-20250616-cml2.9.0"].as_str().unwrap()]);
    assert!(none.is_empty(), "{none:?}");
}

#[tokio::test]
async fn unknown_instances_are_told_apart_by_moto_as_well() {
    let place = Place::at("sa-east-1").await;
    let (scope, unknown) = (place.scope(), "i-0deadbeefdeadbeef".parse().unwrap());

    let started = place.adapter.start(&scope, &unknown).await;
    let looked = place.adapter.look(&scope, std::slice::from_ref(&unknown)).await.unwrap();
    let terminated = place.adapter.terminate(&scope, &unknown).await;

    assert!(matches!(started, Err(RemoteError::NotFound(_))), "{started:?}");
    assert_eq!(looked, []);
    assert!(terminated.is_ok(), "{terminated:?}");
}

#[tokio::test]
async fn an_assumed_role_sees_its_own_account() {
    let place = Place::at("ca-central-1").await;
    place.made(2);
    let role: Role = "arn:aws:iam::210987654321:role/ccm".parse().unwrap();
    let options =
        Options { roles: vec![role], regions: vec![place.region.parse().unwrap()], ..at_once() };
    let theirs = Aws::with(&config(&MOTO.endpoint).await, options).unwrap();
    let scope = theirs.scopes()[0].clone();

    let arn = theirs.identity(&scope).await.unwrap();
    let seen = theirs.sweep(&scope).await.unwrap();

    assert!(arn.contains("210987654321"), "{arn}");
    assert_eq!(seen, [], "the other account is empty");
    assert_eq!(place.adapter.sweep(&place.scope()).await.unwrap().len(), 2);
}
