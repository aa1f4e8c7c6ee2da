//! Bodies of other versions of CML, and of controllers that are not quite right.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use ccm_cml::CmlClient;
use ccm_domain::cml::{Compliance, LabAction, LabState, Registration};
use ccm_ports::{CmlApi, Controller, RemoteError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::rig::{options, worker};

const LAB: &str = "90f84e38-a71c-4d57-8d90-00fa8a197385";
const NODE: &str = "26f677f3-fcb2-47ef-9171-dc112d80b54f";
const OTHER: &str = "99cda47a-ecb2-4d31-86c4-74e7a8201958";

/// A controller that answers with what a test gives it: `METHOD path` → status and body.
struct Recorded {
    client: CmlClient,
    at: Controller,
    asked: Arc<Mutex<Vec<String>>>,
    _server: JoinSet<()>,
}

type Bodies = Vec<(&'static str, u16, String)>;

#[derive(Clone)]
struct Tape {
    bodies: Arc<Bodies>,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn play(State(tape): State<Tape>, request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_start_matches("/api/v0/").to_owned();
    let asked = format!("{} {path}", parts.method);
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let kind = parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap());
    let line = format!("{asked} {} {}", kind.unwrap_or("-"), String::from_utf8_lossy(&body));
    tape.asked.lock().unwrap().push(line);
    let known = tape.bodies.iter().find(|(what, ..)| *what == asked);
    let (status, body) = match known {
        Some((_, status, body)) => (*status, body.clone()),
        None if asked == "POST authenticate" => (200, "\"opaque\"".to_owned()),
        None => (404, r#"{"code": 404, "description": "nothing recorded"}"#.to_owned()),
    };
    (StatusCode::from_u16(status).unwrap(), body)
}

impl Recorded {
    async fn of(bodies: Bodies) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let tape = Tape { bodies: Arc::new(bodies), asked: asked.clone() };
        let router = Router::new().fallback(play).with_state(tape);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // A trailing slash and a path of a proxy, as operators write them.
        let endpoint = format!("http://{}/proxy/", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        let router = Router::new().nest("/proxy", router);
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = CmlClient::new(options()).unwrap();
        let at = Controller { worker: worker(1), endpoint };
        Self { client, at, asked, _server: server }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn lab_bodies(lab: &str, nodes: &str, links: &str) -> Bodies {
    vec![
        ("GET labs", 200, format!(r#"["{LAB}"]"#)),
        ("GET labs/90f84e38-a71c-4d57-8d90-00fa8a197385", 200, lab.to_owned()),
        ("GET labs/90f84e38-a71c-4d57-8d90-00fa8a197385/nodes", 200, nodes.to_owned()),
        ("GET labs/90f84e38-a71c-4d57-8d90-00fa8a197385/links", 200, links.to_owned()),
    ]
}

#[tokio::test]
async fn versions_are_read_with_and_without_what_came_later() {
    for (body, version, ready) in [
        (r#"{"version": "2.8.1+build.3", "ready": true}"#, "2.8.1+build.3", true),
        (
            r#"{"version":"2.9.0","ready":false,"allow_ssh_pubkey_auth":false,"oui":null}"#,
            "2.9.0",
            false,
        ),
        (r#"{"version":"2.10.0","ready":true,"features":["a",{"b":1}],"new":{}}"#, "2.10.0", true),
        (r#"{"version": "2.4.0.dev0+build.f904bdf8"}"#, "2.4.0.dev0+build.f904bdf8", true),
    ] {
        let controller = Recorded::of(vec![("GET system_information", 200, body.to_owned())]).await;

        let facts = controller.client.facts(&controller.at).await.unwrap();

        assert_eq!((facts.version.as_str(), facts.ready), (version, ready));
        assert_eq!(controller.asked().len(), 1, "no login: {:?}", controller.asked());
    }
}

#[tokio::test]
async fn a_lab_of_2_10_with_fields_and_states_we_do_not_know_is_read() {
    let lab = r#"{"state":"STARTED","created":"2024-01-15T10:32:20+00:00","modified":"2024-01-16T08:00:00Z",
        "lab_title":"Core","lab_description":"","lab_notes":"","owner_username":"amara","owner_fullname":null,
        "node_count":2,"link_count":1,"groups":[],"effective_permissions":["lab_admin"],
        "autostart":{"enabled":true,"priority":null,"delay":5},"node_staging":{"enabled":false}}"#;
    let nodes = format!(
        r#"[{{"id":"{NODE}","label":"r1","node_definition":"iosv","state":"BOOTED","x":-120.0,"y":40,"cpus":1}},
            {{"id":"{OTHER}","label":"r2","node_definition":"cat9000v-q200","state":"PAUSED","priority":3}},
            {{"label":"no id"}}, 17]"#
    );
    let links = format!(
        r#"[{{"id":"x","node_a":"{NODE}","node_b":"{OTHER}","state":"STARTED","new":[]}}, {{"id":"y"}}]"#
    );
    let controller = Recorded::of(lab_bodies(lab, &nodes, &links)).await;

    let labs = controller.client.labs(&controller.at).await.unwrap();

    let lab = &labs[0];
    assert_eq!((lab.title.as_str(), lab.state), ("Core", LabState::Started));
    assert_eq!(lab.owner.as_deref(), Some("amara"));
    assert!(lab.created_at < lab.modified_at && lab.created_at.is_some());
    let nodes: Vec<_> = lab.nodes.iter().map(|n| (&*n.label, &*n.state, n.x, n.y)).collect();
    assert_eq!(nodes, [("r1", "BOOTED", -120, 40), ("r2", "PAUSED", 0, 0)]);
    assert_eq!(lab.links.len(), 1);
}

#[tokio::test]
async fn a_lab_in_a_state_we_do_not_know_is_unknown_and_one_that_vanished_is_left_out() {
    let controller = Recorded::of(lab_bodies(r#"{"state":"MIGRATING"}"#, "[]", "[]")).await;
    let labs = controller.client.labs(&controller.at).await.unwrap();
    assert_eq!(labs[0].state, LabState::Unknown);

    let mut bodies = lab_bodies("{}", "[]", "[]");
    bodies.remove(1);
    let controller = Recorded::of(bodies).await;
    assert_eq!(controller.client.labs(&controller.at).await.unwrap(), []);
}

#[tokio::test]
async fn load_is_read_from_the_sum_or_from_the_computes() {
    let computes = r#""computes":{"a":{"hostname":"a","stats":{"cpu":{"percent":20.5,"hyperthreading":2},
        "memory":{"used":4e9,"free":1e9,"total":8e9},"disk":{"used":1,"free":1,"total":4},
        "dominfo":{"total_nodes":7,"running_nodes":5,"allocated_memory":6291456}}},
        "b":{"stats":{"memory":{"used":0,"total":8e9},"dominfo":{"total_nodes":1,"running_nodes":null}}}}"#;
    let all =
        r#""all":{"cpu":{"count":8,"percent":11.0},"memory":{"used":1e9,"total":4e9},"disk":null}"#;
    let health =
        r#"{"valid":null,"computes":{},"controller":{"valid":true,"core_connected":true}}"#;
    for (stats, cpu, memory) in
        [(format!("{{{computes},{all}}}"), 11.0, 25.0), (format!("{{{computes}}}"), 20.5, 25.0)]
    {
        let controller = Recorded::of(vec![
            ("GET system_stats", 200, stats),
            ("GET system_health", 200, health.to_owned()),
        ])
        .await;

        let load = controller.client.load(&controller.at).await.unwrap();

        assert_eq!((load.cpu, load.memory, load.disk), (Some(cpu), Some(memory), Some(25.0)));
        assert_eq!((load.nodes, load.running_nodes, load.healthy), (8, 5, true));
    }
}

#[tokio::test]
async fn telemetry_is_read_in_all_forms_of_time_and_the_rest_is_counted() {
    let body = r#"[
        {"category":"start_lab","timestamp":"2026-03-02T10:00:03+00:00","data":{"user_id":"u1","lab_id":"x"}},
        {"category":"user_activity","timestamp":"2026-03-02T10:00:01Z","data":{"user_id":"u2"}},
        {"category":"system_stats","timestamp":"2026-03-02T10:00:02.5","data":[1,2]},
        {"category":"future_thing","timestamp":"2026-03-02T10:00:04Z","data":null,"more":1},
        {"category":"user_activity","timestamp":"half past ten","data":{}},
        {"category":"user_activity","data":{}},
        "nonsense"]"#;
    let controller = Recorded::of(vec![("GET telemetry/events", 200, body.to_owned())]).await;

    let feed = controller.client.telemetry(&controller.at).await.unwrap();

    let read: Vec<_> =
        feed.records.iter().map(|record| (&*record.category, record.user.as_deref())).collect();
    assert_eq!(
        read,
        [
            ("user_activity", Some("u2")),
            ("system_stats", None),
            ("start_lab", Some("u1")),
            ("future_thing", None),
        ]
    );
    assert_eq!(feed.unreadable, 3);
    assert_eq!(feed.own_user, None, "the token does not tell");
}

#[tokio::test]
async fn a_licence_is_read_with_blank_separated_times_and_open_words() {
    let body = r#"{"udi":{},"registration":{"status":"COMPLETED","expires":"2027-03-02 17:25:30",
        "register_time":{"succeeded":"2026-03-02 17:25:30","failure":"","status":"SUCCEEDED"}},
        "authorization":{"status":"AUTHORIZED_RESERVED","expires":null},
        "features":[{"id":"f1","in_use":3,"status":"IN_COMPLIANCE","min":0},{"name":"without an id"}],
        "product_license":{"active":"CML_Education","is_enterprise":false},"transport":null}"#;
    let controller = Recorded::of(vec![("GET licensing", 200, body.to_owned())]).await;

    let license = controller.client.license(&controller.at).await.unwrap();

    assert_eq!(license.registration, Registration::Completed);
    assert_eq!(license.compliance, Compliance::Other);
    assert_eq!(license.expires_at, "2027-03-02T17:25:30Z".parse().ok());
    assert_eq!((license.reason, license.product.as_deref()), (None, Some("CML_Education")));
    assert_eq!(license.features[0].name, "f1");
}

#[tokio::test]
async fn what_is_written_is_exactly_what_the_document_names() {
    let controller = Recorded::of(vec![
        ("POST import", 200, format!(r#"{{"id":"{LAB}","warnings":null}}"#)),
        ("PUT licensing/product_license", 204, String::new()),
        ("POST licensing/registration", 204, String::new()),
    ])
    .await;
    let (api, at) = (&controller.client, &controller.at);

    api.import_lab(at, "lab: {}").await.unwrap();
    api.set_product(at, "CML_Enterprise").await.unwrap();
    api.register(at, &"abc".to_owned().into(), true).await.unwrap();

    assert_eq!(
        controller.asked(),
        [
            r#"POST authenticate application/json {"password":"admin","username":"admin"}"#,
            "POST import - lab: {}",
            r#"PUT licensing/product_license application/json "CML_Enterprise""#,
            r#"POST licensing/registration application/json {"reregister":true,"token":"abc"}"#,
        ]
    );
}

#[tokio::test]
async fn a_lab_action_refused_with_400_is_about_the_labs_state() {
    let told = r#"{"code":400,"description":"Lab is not stopped"}"#.to_owned();
    let wipe = "PUT labs/90f84e38-a71c-4d57-8d90-00fa8a197385/wipe";
    let controller = Recorded::of(vec![(wipe, 400, told)]).await;

    let lab = LAB.parse().unwrap();
    let error = controller.client.act(&controller.at, &lab, LabAction::Wipe).await.unwrap_err();

    assert!(
        matches!(&error, RemoteError::Conflict(why) if why == "Lab is not stopped"),
        "{error:?}"
    );
}
