//! Users; groups and resource pools are there but empty.

use axum::Json as Out;
use axum::extract::Path;
use axum::http::StatusCode;
use ccm_testkit::lab_host::accounts::{Account, NewAccount};
use ccm_testkit::lab_host::{Host, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Answer, Json, json_ok};
use crate::lab_views::time;
use crate::site::{Caller, id};

fn user(host: &Host, of: &Account) -> Value {
    let labs: Vec<_> =
        host.labs().iter().filter(|lab| lab.owner == of.id).map(|lab| lab.id).collect();
    json!({
        "id": of.id, "username": of.username, "fullname": of.fullname, "description": "",
        "email": null, "admin": of.admin, "groups": [], "associations": [],
        "resource_pool": null, "opt_in": null, "tour_version": "", "directory_dn": null,
        "pubkey_info": null, "created": time(of.created), "modified": time(of.created),
        "labs": labs,
    })
}

/// `GET /users`.
pub(crate) async fn list(caller: Caller) -> Answer {
    json_ok(caller.visit(|host, _| {
        Ok(host.accounts.all().iter().map(|account| user(host, account)).collect())
    })?)
}

/// `UserCreate`, as far as the model keeps it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserBody {
    username: String,
    password: String,
    #[serde(default)]
    fullname: String,
    #[serde(default)]
    admin: bool,
    #[serde(default, rename = "description")]
    _description: Value,
    #[serde(default, rename = "email")]
    _email: Value,
    #[serde(default, rename = "groups")]
    _groups: Value,
    #[serde(default, rename = "associations")]
    _associations: Value,
    #[serde(default, rename = "resource_pool")]
    _resource_pool: Value,
    #[serde(default, rename = "opt_in")]
    _opt_in: Value,
    #[serde(default, rename = "tour_version")]
    _tour_version: Value,
    #[serde(default, rename = "pubkey")]
    _pubkey: Value,
}

/// `POST /users`: 201.
pub(crate) async fn create(
    caller: Caller,
    Json(body): Json<UserBody>,
) -> Answer<(StatusCode, Out<Value>)> {
    caller.must_be_admin()?;
    let made = caller.visit(|host, now| {
        let UserBody { username, password, fullname, admin, .. } = body;
        let account = NewAccount { username, fullname, password, admin };
        let id = host.new_id();
        host.accounts.add(account, id, now)?;
        show_of(host, id)
    })?;
    Ok((StatusCode::CREATED, Out(made)))
}

fn show_of(host: &Host, id: Uuid) -> Result<Value, Refusal> {
    let account = host.accounts.get(id).ok_or_else(|| Refusal::missing("User", id))?;
    Ok(user(host, account))
}

/// `GET /users/{id}`.
pub(crate) async fn show(caller: Caller, Path(text): Path<String>) -> Answer {
    json_ok(caller.visit(|host, _| show_of(host, id("User", &text)?))?)
}

/// `DELETE /users/{id}`.
pub(crate) async fn delete(caller: Caller, Path(text): Path<String>) -> Answer<StatusCode> {
    caller.must_be_admin()?;
    caller.visit(|host, _| host.accounts.remove(id("User", &text)?))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /users/{name}/id`: a bare string.
pub(crate) async fn id_of(caller: Caller, Path(name): Path<String>) -> Answer<Out<Uuid>> {
    Ok(Out(caller.visit(|host, _| {
        let found = host.accounts.all().iter().find(|account| account.username == name);
        found.map(|account| account.id).ok_or_else(|| Refusal::missing("User", &name))
    })?))
}

/// `GET /groups`, `/resource_pools`, `/resource_pool_usage`, `/lab_repos`, `/sample/labs`: none.
pub(crate) async fn none(_caller: Caller) -> Out<Value> {
    Out(json!([]))
}
