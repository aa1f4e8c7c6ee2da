//! Licence routes.

use axum::Json as Out;
use axum::http::StatusCode;
use ccm_domain::Timestamp;
use ccm_testkit::lab_host::license::{LASTS, compliance_word, registration_word};
use ccm_testkit::lab_host::{Host, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Json, json_ok};
use crate::site::Caller;

const DEFAULT_SERVER: &str = "https://smartreceiver.cisco.com/licservice/license";
const MOST_EXTRA_NODES: u32 = 300;

/// Writes a moment as licensing does: no `T`, no zone, whole seconds.
fn time(at: Timestamp) -> String {
    at.to_string().replace('T', " ").trim_end_matches('Z').chars().take(19).collect()
}

fn times(at: Option<Timestamp>, next: Option<Timestamp>, failure: Option<&str>) -> Value {
    let ok = at.is_some() && failure.is_none();
    json!({
        "succeeded": at.filter(|_| ok).map(time),
        "attempted": at.map(time),
        "scheduled": next.map(time),
        "status": at.map(|_| if ok { "SUCCEEDED" } else { "FAILED" }),
        "failure": failure,
        "success": ok.then_some("Success"),
    })
}

fn status_of(host: &Host, now: Timestamp) -> Value {
    let license = &host.license;
    let (registered, reason) = (license.registered_at(now), license.reason(now));
    let compliance = license.compliance(now);
    let expires = registered.map(|at| at.plus(LASTS));
    let renews = registered.map(|at| at.plus(LASTS / 2));
    let tried = registered.or_else(|| reason.and(license.asked_at()));
    let features: Vec<_> = host
        .features(now)
        .into_iter()
        .map(|(id, name, in_use)| {
            json!({
                "id": id, "name": name, "description": name, "version": "1.0", "in_use": in_use,
                "status": compliance_word(compliance), "min": 0, "max": MOST_EXTRA_NODES,
                "minEndDate": null, "maxEndDate": null,
            })
        })
        .collect();
    let account = registered.map(|_| "Example Inc.");
    let is_enterprise = license.product == "CML_Enterprise";
    json!({
        "udi": { "hostname": "cml-controller", "product_uuid": host.id.as_str() },
        "registration": {
            "status": registration_word(license.registration(now)),
            "smart_account": account,
            "virtual_account": account.map(|_| "Default"),
            "register_time": times(tried, None, reason),
            "renew_time": times(registered, renews, None),
            "expires": expires.map(time),
        },
        "authorization": {
            "status": compliance_word(compliance),
            "renew_time": times(registered, renews, None),
            "expires": expires.map(time),
        },
        "reservation_mode": false,
        "features": features,
        "product_license": { "active": license.product, "is_enterprise": is_enterprise },
        "transport": {
            "proxy": { "server": null, "port": null },
            "ssms": DEFAULT_SERVER,
            "default_ssms": DEFAULT_SERVER,
        },
    })
}

/// `GET /licensing`.
pub(crate) async fn status(caller: Caller) -> Answer {
    caller.must_be_admin()?;
    json_ok(caller.visit(|host, now| Ok(status_of(host, now)))?)
}

/// `GET /licensing/features`.
pub(crate) async fn features(caller: Caller) -> Answer {
    caller.must_be_admin()?;
    json_ok(caller.visit(|host, now| Ok(status_of(host, now)["features"].take()))?)
}

/// `PUT /licensing/product_license`: a bare string.
pub(crate) async fn set_product(caller: Caller, Json(product): Json<String>) -> Answer<StatusCode> {
    caller.must_be_admin()?;
    caller.visit(|host, now| host.license.set_product(&product, now))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeatureCount {
    id: String,
    count: u32,
}

/// `PATCH /licensing/features`.
pub(crate) async fn set_features(
    caller: Caller,
    Json(counts): Json<Vec<FeatureCount>>,
) -> Answer<StatusCode> {
    caller.must_be_admin()?;
    caller.visit(|host, now| {
        host.license.must_be_at_rest(now)?;
        for FeatureCount { id, count } in counts {
            let known = host.features(now).iter().position(|(known, ..)| *known == id);
            match known {
                None => return Err(Refusal::invalid(format!("Unknown feature: {id}"))),
                Some(1) => host.license.extra_nodes = count.min(MOST_EXTRA_NODES),
                Some(_) => {}
            }
        }
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `LicensingRegistration`. No `Debug`: it holds a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    token: String,
    #[serde(default)]
    reregister: bool,
}

/// `POST /licensing/registration`.
pub(crate) async fn register(caller: Caller, Json(body): Json<Registration>) -> Answer<StatusCode> {
    caller.must_be_admin()?;
    caller.visit(|host, now| host.register(&body.token, body.reregister, now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /licensing/deregistration`.
pub(crate) async fn deregister(caller: Caller) -> Answer<StatusCode> {
    caller.must_be_admin()?;
    let is_known_there = caller.visit(|host, now| host.deregister(now))?;
    Ok(if is_known_there { StatusCode::NO_CONTENT } else { StatusCode::ACCEPTED })
}

/// `PUT /licensing/registration/renew`, `…/authorization/renew`, `…/transport`: taken when at rest.
pub(crate) async fn accept(caller: Caller) -> Answer<StatusCode> {
    caller.must_be_admin()?;
    caller.visit(|host, now| host.license.must_be_at_rest(now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /licensing/tech_support`.
pub(crate) async fn tech_support(caller: Caller) -> Answer<Out<&'static str>> {
    caller.must_be_admin()?;
    Ok(Out("Smart Licensing Tech Support info"))
}
