//! One request that works for each operation of the API, so that no test forgets one.

use ccm_domain::cml::LabState;
use ccm_domain::{Run, Worker};
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Call, TestApp};

/// A request that works.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    /// Its operation's id in the OpenAPI document.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// A header that it needs.
    pub(crate) header: Option<(&'static str, &'static str)>,
    /// The revision to build on.
    pub(crate) if_match: Option<u64>,
    /// The status that it is answered with.
    pub(crate) status: u16,
}

/// What the examples are about.
pub(crate) struct World {
    pub(crate) running: Worker,
    pub(crate) stopped: Worker,
    pub(crate) run: Run,
}

impl World {
    pub(crate) async fn new(app: &TestApp) -> Self {
        let (running, stopped) = (app.running().await, app.stopped().await);
        app.lab(running.id, "lab-up", LabState::Started).await;
        app.lab(running.id, "lab-down", LabState::Stopped).await;
        app.lab(running.id, "lab-new", LabState::DefinedOnCore).await;
        app.schedule("observe_instances").await;
        let run = app.dead_run("prune").await;
        Self { running, stopped, run }
    }

    /// Every operation once.
    pub(crate) fn examples(&self) -> Vec<Example> {
        let mut all = self.about_workers();
        all.extend(self.about_labs());
        all.extend(self.about_the_fleet());
        all
    }

    /// The one of an operation.
    pub(crate) fn example(&self, operation: &str) -> Example {
        let mut all = self.examples().into_iter();
        all.find(|example| example.operation == operation).unwrap()
    }

    fn about_workers(&self) -> Vec<Example> {
        let (up, down) =
            (format!("/workers/{}", self.running.id), format!("/workers/{}", self.stopped.id));
        let rev = self.running.spec_rev;
        let create = json!({
            "name": "new", "region": "eu-central-1", "instance_type": "m5zn.metal", "ami_name": "cml-2.9*",
        });
        vec![
            get("list_workers", "/workers"),
            post("create_worker", "/workers", create, 202),
            post(
                "import_workers",
                "/workers/import",
                json!({"region": "eu-central-1", "ami_name": "cml*", "all": true}),
                202,
            ),
            get("show_worker", &up),
            change("change_worker", Method::PATCH, &up, json!({"name": "other"}), rev),
            Example { status: 204, ..bare("remove_worker", Method::DELETE, &down) },
            post("start_worker", &format!("{down}/start"), json!({}), 202),
            post("stop_worker", &format!("{up}/stop"), json!({}), 202),
            post("terminate_worker", &format!("{up}/terminate"), json!({"force": false}), 202),
            post("refresh_worker", &format!("{up}/refresh"), json!({}), 202),
            post("extend_worker", &format!("{up}/extend"), json!({"seconds": 3600}), 200),
            post("set_monitoring", &format!("{up}/monitoring"), json!({"enabled": true}), 200),
            get("list_metrics", &format!("{up}/metrics")),
            get("list_activity", &format!("{up}/activity")),
            get("explain_idle", &format!("{up}/idle")),
            change(
                "set_idle_policy",
                Method::PUT,
                &format!("{up}/idle-policy"),
                json!({"enabled": false}),
                rev,
            ),
            get("show_tags", &format!("{up}/tags")),
            change(
                "set_tags",
                Method::PUT,
                &format!("{up}/tags"),
                json!({"tags": {"team": "core"}}),
                rev,
            ),
            get("show_license", &format!("{up}/license")),
            post(
                "register_license",
                &format!("{up}/license/register"),
                json!({"token": "ABC-123"}),
                202,
            ),
            post("deregister_license", &format!("{up}/license/deregister"), json!({}), 202),
        ]
    }

    fn about_labs(&self) -> Vec<Example> {
        let labs = format!("/workers/{}/labs", self.running.id);
        let file = "lab:\n  title: imported\nnodes: []\nlinks: []\n";
        vec![
            get("list_labs", "/labs"),
            get("list_worker_labs", &labs),
            post("import_lab", &labs, json!({"topology": file}), 202),
            post("refresh_labs", &format!("{labs}/refresh"), json!({}), 202),
            get("show_lab", &format!("{labs}/lab-up")),
            Example {
                status: 202,
                ..bare("delete_lab", Method::DELETE, &format!("{labs}/lab-new"))
            },
            post("start_lab", &format!("{labs}/lab-down/start"), json!({}), 202),
            post("stop_lab", &format!("{labs}/lab-up/stop"), json!({}), 202),
            post("wipe_lab", &format!("{labs}/lab-down/wipe"), json!({}), 202),
            Example {
                header: Some(("prefer", "wait=0")),
                status: 202,
                ..get("download_lab", &format!("{labs}/lab-up/download"))
            },
            get("draw_lab", &format!("{labs}/lab-up/topology.svg")),
        ]
    }

    fn about_the_fleet(&self) -> Vec<Example> {
        let schedule = "/schedules/observe_instances";
        let operation = format!("/operations/{}", uuid::Uuid::nil());
        let run = format!("/runs/{}", self.run.id);
        let settings = json!({
            "provisioning": {
                "instance_type": null, "image": null, "subnet": null, "security_groups": [], "key_name": null,
                "regions": {}, "default_tags": {},
            },
            "idle": {
                "enabled": true, "timeout_s": 7200, "snooze_s": 1800, "warn_before_s": 600,
                "categories": ["start_lab"], "service_users": [],
            },
            "import": {"rules": []},
            "retention": {
                "samples_fine_s": 86400, "samples_coarse_s": 2592000, "runs_s": 604800, "events": 100000,
                "removed_workers_s": 604800,
            },
        });
        vec![
            get("list_operations", "/operations"),
            Example { status: 404, ..get("show_operation", &operation) },
            get("list_schedules", "/schedules"),
            change("change_schedule", Method::PATCH, schedule, json!({"jitter_s": 7}), 1),
            post("trigger_schedule", &format!("{schedule}/trigger"), json!({}), 202),
            post("pause_schedule", &format!("{schedule}/pause"), json!({}), 200),
            post("resume_schedule", &format!("{schedule}/resume"), json!({}), 200),
            get("list_runs", "/runs"),
            get("show_run", &run),
            post("requeue_run", &format!("{run}/requeue"), json!({}), 200),
            get("show_settings", "/settings"),
            change("change_settings", Method::PUT, "/settings", settings, 0),
            get("stream_events", "/events"),
            get("list_events", "/events/log"),
            get("show_system", "/system"),
            get("list_streams", "/system/streams"),
            Example { status: 404, ..bare("end_stream", Method::DELETE, "/system/streams/4711") },
            get("show_session", "/session"),
            post("extend_session", "/session/extend", json!({}), 200),
        ]
    }
}

impl Example {
    /// The request, not yet sent.
    pub(crate) fn call<'a>(&self, app: &'a TestApp) -> Call<'a> {
        let mut call = app.call(self.method.clone(), &self.path);
        if let Some(body) = &self.body {
            call = call.json(body.clone());
        }
        if let Some((name, value)) = self.header {
            call = call.header(name, value);
        }
        if let Some(rev) = self.if_match {
            call = call.if_match(rev);
        }
        call
    }

    pub(crate) async fn send(&self, app: &TestApp) -> Answer {
        self.call(app).send().await
    }
}

fn bare(operation: &'static str, method: Method, path: &str) -> Example {
    Example {
        operation,
        method,
        path: path.to_owned(),
        body: None,
        header: None,
        if_match: None,
        status: 200,
    }
}

fn get(operation: &'static str, path: &str) -> Example {
    bare(operation, Method::GET, path)
}

fn post(operation: &'static str, path: &str, body: Value, status: u16) -> Example {
    Example { body: Some(body), status, ..bare(operation, Method::POST, path) }
}

fn change(operation: &'static str, method: Method, path: &str, body: Value, rev: u64) -> Example {
    Example { body: Some(body), if_match: Some(rev), ..bare(operation, method, path) }
}
