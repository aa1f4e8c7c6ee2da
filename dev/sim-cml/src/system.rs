//! What a controller tells about itself: version, health, load, telemetry, notices.

use axum::Json as Out;
use axum::extract::Path;
use axum::http::StatusCode;
use ccm_domain::Timestamp;
use ccm_domain::cml::Compliance;
use ccm_testkit::lab_host::element_ops::Notice;
use ccm_testkit::lab_host::feed::FeedRecord;
use ccm_testkit::lab_host::{Host, Refusal, load};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Json, json_ok};
use crate::lab_views::compute_id;
use crate::site::{Caller, Site, id};

const HOSTNAME: &str = "cml-controller";

/// `GET /system_information`: without a login.
pub(crate) async fn information(site: Site) -> Answer {
    let mut body = site.visit(|host, _| {
        Ok(json!({
            "version": site.world().options().version,
            "ready": host.is_ready(),
            "allow_ssh_pubkey_auth": false,
            "oui": "52:54:00:00:00:00",
        }))
    })?;
    if site.is_at_least(10) {
        body["features"] = json!(["autostart", "node_staging"]);
    }
    json_ok(body)
}

/// `GET /system_health`.
pub(crate) async fn health(caller: Caller) -> Answer {
    json_ok(caller.visit(|host, now| {
        let ready = host.is_ready();
        let compute = json!({
            "kvm_vmx_enabled": true, "enough_cpus": true, "lld_connected": ready,
            "lld_synced": ready, "libvirt": true, "fabric": ready, "device_mux": ready,
            "refplat_images_available": true, "docker_shim": ready, "valid": ready,
            "admission_state": "READY", "is_controller": true, "hostname": HOSTNAME,
        });
        let computes = Map::from_iter([(compute_id(host).to_string(), compute)]);
        Ok(json!({
            "valid": ready,
            "computes": computes,
            "is_licensed": host.license.compliance(now) == Compliance::InCompliance,
            "is_enterprise": host.license.product == "CML_Enterprise",
            "controller": {
                "core_connected": true, "nodes_loaded": ready, "images_loaded": ready,
                "valid": ready,
            },
        }))
    })?)
}

/// `GET /system_stats`: bytes as floats; what is used and free does not add up to the total.
pub(crate) async fn stats(caller: Caller) -> Answer {
    json_ok(caller.visit(|host, now| Ok(stats_of(host, now)))?)
}

fn stats_of(host: &Host, now: Timestamp) -> Value {
    let load = host.load(now);
    let amount = |used: f64, total: f64| json!({ "used": used, "free": (total - used) * 0.97, "total": total });
    let memory = amount(load.memory_used, load.memory_total);
    let disk = amount(load.disk_used, load.disk_total);
    let compute = json!({
        "hostname": HOSTNAME,
        "is_controller": true,
        "stats": {
            "cpu": {
                "count": load::CPUS, "percent": load.cpu, "model": "Intel(R) Xeon(R) Platinum 8252C",
                "predicted": load.allocated_cpus, "hyperthreading": 2,
                "load": [load.cpu / 3.0, load.cpu / 3.1, load.cpu / 3.2],
            },
            "memory": memory,
            "disk": disk,
            "dominfo": {
                "total_nodes": load.nodes, "total_orphans": 0,
                "running_nodes": load.running_nodes, "running_orphans": 0,
                "allocated_cpus": load.allocated_cpus, "allocated_memory": load.allocated_memory,
            },
        },
    });
    json!({
        "computes": Map::from_iter([(compute_id(host).to_string(), compute)]),
        "all": {
            "cpu": { "count": load::CPUS, "percent": load.cpu }, "memory": memory, "disk": disk,
        },
        "controller": { "disk": disk },
    })
}

fn compute_host(host: &Host, now: Timestamp) -> Value {
    let load = host.load(now);
    json!({
        "id": compute_id(host), "server_address": "127.0.0.1", "hostname": HOSTNAME,
        "is_simulator": false, "is_connector": true, "admission_state": "READY",
        "nodes": [], "is_connected": true, "is_synced": host.is_ready(),
        "node_counts": {
            "total_nodes": load.nodes, "total_orphans": 0,
            "running_nodes": load.running_nodes, "running_orphans": 0,
        },
    })
}

/// `GET /system/compute_hosts`.
pub(crate) async fn compute_hosts(caller: Caller) -> Answer {
    json_ok(caller.visit(|host, now| Ok(json!([compute_host(host, now)])))?)
}

/// `GET /system/compute_hosts/{id}`.
pub(crate) async fn one_compute_host(caller: Caller, Path(text): Path<String>) -> Answer {
    json_ok(caller.visit(|host, now| {
        let wanted = id("Compute host", &text)?;
        let found = (wanted == compute_id(host)).then(|| compute_host(host, now));
        found.ok_or_else(|| Refusal::missing("Compute host", wanted))
    })?)
}

/// `GET /system/compute_hosts/configuration`.
pub(crate) async fn compute_configuration(_caller: Caller) -> Out<Value> {
    Out(json!({ "admission_state": "READY" }))
}

/// `GET /system/maintenance_mode`: without a login.
pub(crate) async fn maintenance(_site: Site) -> Out<Value> {
    Out(json!({ "maintenance_mode": false, "notice": null, "resolved_notice": null }))
}

/// `GET /system/external_connectors`.
pub(crate) async fn connectors(_caller: Caller) -> Out<Value> {
    Out(json!([]))
}

fn record(of: &FeedRecord, form: ccm_testkit::lab_host::TimeForm) -> Value {
    let mut fields = Map::new();
    if let Some(user) = of.user {
        fields.insert("user_id".to_owned(), json!(user));
    }
    if let Some(subject) = of.subject {
        let key = if of.category.ends_with("_node") { "node_id" } else { "lab_id" };
        fields.insert(key.to_owned(), json!(subject));
    }
    json!({ "category": of.category, "timestamp": form.write(of.at), "data": fields })
}

/// `GET /telemetry/events`: everything, each time.
pub(crate) async fn events(caller: Caller) -> Answer {
    caller.must_be_admin()?;
    let form = caller.site.world().options().time_form;
    json_ok(
        caller.visit(|host, _| Ok(host.feed.records().map(|each| record(each, form)).collect()))?,
    )
}

/// `GET /telemetry`: a boolean in 2.9, a word since 2.10.
pub(crate) async fn opt_in(caller: Caller) -> Out<Value> {
    let answer = if caller.site.is_at_least(10) { json!("accepted") } else { json!(true) };
    Out(json!({ "opt_in": answer, "show_modal": false }))
}

/// `GET /diagnostics/{category}`.
pub(crate) async fn diagnostics(caller: Caller, Path(category): Path<String>) -> Answer {
    caller.must_be_admin()?;
    json_ok(caller.visit(|host, now| match category.as_str() {
        "licensing" => Ok(json!({
            "quota": 20 + host.license.extra_nodes, "started": host.load(now).running_nodes,
            "user_quota": null, "user_started": 0,
        })),
        "services" => Ok(json!({ "dispatcher": true, "termws": true })),
        "startup_scheduler" => {
            let ready = host.is_ready();
            Ok(json!({
                "licensing_loaded": true, "core_driver_connected": true,
                "node_definitions_loaded": true, "lld_connected": ready, "lld_synced": ready,
                "system_ready": ready,
            }))
        }
        "computes" | "labs" | "user_list" => Ok(json!({})),
        "lab_events" | "node_launch_queue" | "node_definitions" => Ok(json!([])),
        other => Err(Refusal::invalid(format!("Unknown diagnostics category: {other}"))),
    })?)
}

/// `SystemNotice` without `activated`: the stock client stumbles over it.
fn notice(of: &Notice) -> Value {
    json!({
        "id": of.id, "level": of.level, "label": of.label, "content": of.content,
        "enabled": of.enabled, "acknowledged": {}, "groups": null,
    })
}

/// `SystemNoticeCreate` and `SystemNoticeUpdate`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NoticeBody {
    level: Option<String>,
    label: Option<String>,
    content: Option<String>,
    enabled: Option<bool>,
    #[serde(rename = "groups")]
    _groups: Value,
    #[serde(rename = "add_groups")]
    _add_groups: Value,
    #[serde(rename = "del_groups")]
    _del_groups: Value,
}

/// `GET /system/notices`.
pub(crate) async fn notices(caller: Caller) -> Answer {
    json_ok(caller.visit(|host, _| Ok(host.notices.iter().map(notice).collect()))?)
}

/// `POST /system/notices`.
pub(crate) async fn add_notice(caller: Caller, Json(body): Json<NoticeBody>) -> Answer {
    caller.must_be_admin()?;
    json_ok(caller.visit(|host, now| {
        let level = body.level.ok_or_else(|| Refusal::invalid("level is required"))?;
        let label = body.label.ok_or_else(|| Refusal::invalid("label is required"))?;
        let level = checked_level(level)?;
        let content = body.content.unwrap_or_default();
        let enabled = body.enabled.unwrap_or(false);
        let made = Notice { id: host.new_id(), level, label, content, enabled, created: now };
        let answer = notice(&made);
        host.notices.push(made);
        Ok(answer)
    })?)
}

/// `PATCH /system/notices/{id}`.
pub(crate) async fn change_notice(
    caller: Caller,
    Path(text): Path<String>,
    Json(body): Json<NoticeBody>,
) -> Answer {
    caller.must_be_admin()?;
    json_ok(caller.visit(|host, _| {
        let wanted = id("Notice", &text)?;
        let found = host.notices.iter_mut().find(|notice| notice.id == wanted);
        let found = found.ok_or_else(|| Refusal::missing("Notice", wanted))?;
        if let Some(level) = body.level {
            found.level = checked_level(level)?;
        }
        found.label = body.label.unwrap_or_else(|| found.label.clone());
        found.content = body.content.unwrap_or_else(|| found.content.clone());
        found.enabled = body.enabled.unwrap_or(found.enabled);
        Ok(notice(found))
    })?)
}

fn checked_level(level: String) -> Result<String, Refusal> {
    let is_known = ["INFO", "SUCCESS", "WARNING", "ERROR"].contains(&level.as_str());
    if is_known { Ok(level) } else { Err(Refusal::invalid(format!("Unknown level: {level}"))) }
}

/// `DELETE /system/notices/{id}`.
pub(crate) async fn remove_notice(caller: Caller, Path(text): Path<String>) -> Answer<StatusCode> {
    caller.must_be_admin()?;
    caller.visit(|host, _| {
        let wanted = id("Notice", &text)?;
        let count = host.notices.len();
        host.notices.retain(|notice| notice.id != wanted);
        let is_gone = host.notices.len() < count;
        is_gone.then_some(()).ok_or_else(|| Refusal::missing("Notice", wanted))
    })?;
    Ok(StatusCode::NO_CONTENT)
}
