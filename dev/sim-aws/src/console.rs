//! `/_sim`: what a person in the console does, what goes wrong, and what has happened so far.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use ccm_domain::{Instance, InstanceId, InstanceType, Scope};
use ccm_testkit::cloud::{CloudError, Faults, LedgerEntry, Reason};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Sim;
use crate::refusal::Refusal;

/// Which instance something is done to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    instance_id: InstanceId,
}

/// Why an instance stops or ends; a person does it unless something else is said.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Why {
    #[default]
    User,
    Inside,
    Spot,
    Internal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    instance_id: InstanceId,
    #[serde(default)]
    why: Why,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tagging {
    instance_id: InstanceId,
    key: String,
    /// Absent or null removes the tag.
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeChange {
    instance_id: InstanceId,
    instance_type: InstanceType,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    instance_id: InstanceId,
    on: bool,
}

/// An instance and where it is.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    scope: Scope,
    #[serde(flatten)]
    instance: Instance,
}

pub(crate) fn routes() -> Router<Sim> {
    Router::new()
        .route("/ledger", get(ledger))
        .route("/instances", get(instances))
        .route("/calls", get(calls))
        .route("/time", get(time))
        .route("/faults", get(faults).post(set_faults))
        .route("/start", post(start))
        .route("/stop", post(stop))
        .route("/terminate", post(terminate))
        .route("/forget", post(forget))
        .route("/tag", post(tag))
        .route("/type", post(change_type))
        .route("/protect", post(protect))
        .route("/impair", post(impair))
}

async fn ledger(State(sim): State<Sim>) -> Json<Vec<LedgerEntry>> {
    Json(sim.cloud.ledger())
}

async fn instances(State(sim): State<Sim>) -> Json<Vec<Shown>> {
    let all = sim.cloud.all().into_iter();
    Json(all.map(|(scope, machine)| Shown { scope, instance: machine.instance }).collect())
}

async fn calls(State(sim): State<Sim>) -> Json<BTreeMap<&'static str, u64>> {
    Json(sim.cloud.calls())
}

async fn time(State(sim): State<Sim>) -> Json<serde_json::Value> {
    Json(json!({ "now": sim.cloud.now() }))
}

async fn faults(State(sim): State<Sim>) -> Json<Faults> {
    Json(sim.cloud.faults_now())
}

async fn set_faults(State(sim): State<Sim>, Json(wanted): Json<Faults>) -> Json<Faults> {
    sim.cloud.faults(|faults| *faults = wanted);
    Json(sim.cloud.faults_now())
}

async fn start(State(sim): State<Sim>, Json(what): Json<Target>) -> Response {
    answer(sim.cloud.start_as_console(&what.instance_id))
}

async fn stop(State(sim): State<Sim>, Json(what): Json<Ending>) -> Response {
    answer(sim.cloud.stop_because(&what.instance_id, what.why.into()))
}

async fn terminate(State(sim): State<Sim>, Json(what): Json<Ending>) -> Response {
    answer(sim.cloud.terminate_because(&what.instance_id, what.why.into()))
}

async fn forget(State(sim): State<Sim>, Json(what): Json<Target>) -> Response {
    answer(sim.cloud.forget(&what.instance_id))
}

async fn tag(State(sim): State<Sim>, Json(what): Json<Tagging>) -> Response {
    answer(sim.cloud.tag(&what.instance_id, &what.key, what.value.as_deref()))
}

async fn change_type(State(sim): State<Sim>, Json(what): Json<TypeChange>) -> Response {
    answer(sim.cloud.change_type(&what.instance_id, &what.instance_type))
}

async fn protect(State(sim): State<Sim>, Json(what): Json<Switch>) -> Response {
    answer(sim.cloud.protect(&what.instance_id, what.on))
}

async fn impair(State(sim): State<Sim>, Json(what): Json<Switch>) -> Response {
    answer(sim.cloud.impair(&what.instance_id, what.on))
}

fn answer(done: Result<(), CloudError>) -> Response {
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(err) => {
            let refusal = Refusal::from(err);
            let body = json!({ "code": refusal.code, "message": refusal.message });
            (refusal.status, Json(body)).into_response()
        }
    }
}

impl From<Why> for Reason {
    fn from(why: Why) -> Self {
        match why {
            Why::User => Self::User,
            Why::Inside => Self::Inside,
            Why::Spot => Self::Spot,
            Why::Internal => Self::Internal,
        }
    }
}
