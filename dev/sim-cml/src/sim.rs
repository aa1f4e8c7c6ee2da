//! `/_sim`: looking and reaching behind the scenes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json as Out;
use axum::extract::State;
use axum::http::StatusCode;
use ccm_domain::{InstanceId, Timestamp};
use ccm_testkit::lab_host::labs::lab_state_word;
use ccm_testkit::lab_host::{Fault, Power, Refusal};
use ccm_testkit::people::Deed;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Json, Text, json_ok};
use crate::app::App;
use crate::site::Site;
use crate::tls::Certificate;

/// Power switches of controllers that no cloud model switches: on since the start until switched.
#[derive(Debug)]
pub struct Switches {
    start: Timestamp,
    switched: Mutex<BTreeMap<InstanceId, Option<Timestamp>>>,
}

impl Switches {
    /// Every controller has power since `start`.
    #[must_use]
    pub const fn on_since(start: Timestamp) -> Self {
        Self { start, switched: Mutex::new(BTreeMap::new()) }
    }

    /// Switches one controller on (at the given moment) or off.
    pub fn switch(&self, id: &InstanceId, since: Option<Timestamp>) {
        let mut switched = self.switched.lock().unwrap_or_else(PoisonError::into_inner);
        switched.insert(id.clone(), since);
    }
}

impl Power for Switches {
    fn powered_since(&self, id: &InstanceId) -> Option<Timestamp> {
        let switched = self.switched.lock().unwrap_or_else(PoisonError::into_inner);
        switched.get(id).copied().unwrap_or(Some(self.start))
    }
}

/// `GET /_sim/workers`: instance ids.
pub(crate) async fn workers(State(app): State<App>) -> Out<Vec<InstanceId>> {
    Out(app.world.ids())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ActivityBody {
    deed: String,
}

/// `POST /{id}/_sim/activity`: a person does something; `{"deed": "visit"}` unless told otherwise.
pub(crate) async fn activity(site: Site, Text(body): Text) -> Answer<StatusCode> {
    let body: ActivityBody = match body.as_str() {
        "" => ActivityBody::default(),
        text => serde_json::from_str(text).map_err(|err| Refusal::invalid(err.to_string()))?,
    };
    let deed = match body.deed.as_str() {
        "" | "visit" => Deed::Visit,
        "start_lab" => Deed::StartLab,
        "stop_lab" => Deed::StopLab,
        "edit_node" => Deed::EditNode,
        "capture" => Deed::Capture,
        other => return Err(Refusal::invalid(format!("Unknown deed: {other}")).into()),
    };
    site.world().act(&site.id, deed);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(crate) struct FaultBody {
    #[serde(flatten)]
    fault: Fault,
    /// Seconds; for ever when left out.
    lasts: Option<f64>,
}

/// `POST /{id}/_sim/faults`: `{"kind": "hang", "lasts": 30}`.
pub(crate) async fn inject(site: Site, Json(body): Json<FaultBody>) -> Answer<StatusCode> {
    let lasts = body.lasts.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
    site.world().inject(&site.id, body.fault, lasts);
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /{id}/_sim/faults`.
pub(crate) async fn heal(site: Site) -> StatusCode {
    site.world().heal(&site.id);
    StatusCode::NO_CONTENT
}

/// `DELETE /{id}/_sim/sessions`: every token is refused from here on; new ones count.
pub(crate) async fn end_sessions(site: Site) -> Answer<StatusCode> {
    site.visit(|host, _| {
        host.accounts.end_all_sessions();
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerBody {
    on: bool,
}

/// `POST /{id}/_sim/power`: `{"on": false}`.
pub(crate) async fn power(site: Site, Json(body): Json<PowerBody>) -> Answer<StatusCode> {
    let switches = site.app.options.switches.as_ref();
    let switches = switches.ok_or_else(|| Refusal::conflict("Power comes from elsewhere"))?;
    switches.switch(&site.id, body.on.then(|| site.world().now()));
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /_sim/certificate`: `{"kind": "expired"}`; counts for new connections.
pub(crate) async fn certificate(
    State(app): State<App>,
    Json(body): Json<CertificateBody>,
) -> Answer<StatusCode> {
    let certificates = app.options.certificates.as_ref();
    certificates.ok_or_else(|| Refusal::conflict("Plain HTTP has no certificate"))?.show(body.kind);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateBody {
    kind: Certificate,
}

/// `GET /{id}/_sim/truth`: what is so, whatever the API says.
pub(crate) async fn truth(site: Site) -> Answer {
    json_ok(site.visit(|host, now| {
        let labs: Vec<Value> = host
            .labs()
            .iter()
            .map(|lab| json!({ "id": lab.id, "state": lab_state_word(lab.state(now)) }))
            .collect();
        Ok(json!({
            "now": now, "powered_since": host.powered_since(), "ready": host.is_ready(),
            "last_use": host.last_use(), "logins": host.accounts.logins(), "labs": labs,
        }))
    })?)
}
