//! STS's query protocol, API version 2011-06-15: who am I, and becoming somebody else.

use std::time::Duration;

use axum::http::StatusCode;
use ccm_domain::Account;
use ccm_ports::{Clock, SystemClock};

use crate::Sim;
use crate::caller::{Caller, assumed_key};
use crate::params::Params;
use crate::refusal::Refusal;
use crate::xml::Xml;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Carries a call out and returns the body of its answer.
pub(crate) fn call(
    sim: &Sim,
    caller: &Caller,
    params: &Params,
    request_id: &str,
) -> Result<String, Refusal> {
    match params.must("Action")? {
        "GetCallerIdentity" => Ok(answer("GetCallerIdentity", request_id, |xml| {
            let account = &caller.scope.account;
            xml.text("Arn", format!("arn:aws:iam::{account}:user/simulated"));
            xml.text("UserId", "AIDASIMULATED0000000");
            xml.text("Account", account);
        })),
        "AssumeRole" => assume_role(sim, params, request_id),
        other => {
            let message = format!("Could not find operation {other} for version 2011-06-15");
            Err(Refusal::bad_request("InvalidAction", &message))
        }
    }
}

/// Writes the error body of STS.
pub(crate) fn error_body(refusal: &Refusal, request_id: &str) -> String {
    Xml::document("ErrorResponse", NAMESPACE, |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", "Sender");
            xml.text("Code", &refusal.code);
            xml.text("Message", &refusal.message);
        });
        xml.text("RequestId", request_id);
    })
}

fn assume_role(sim: &Sim, params: &Params, request_id: &str) -> Result<String, Refusal> {
    let role = params.must("RoleArn")?;
    let session = params.must("RoleSessionName")?;
    let account = account_of(role)
        .ok_or_else(|| Refusal::bad_request("ValidationError", &format!("{role} is invalid")))?;
    let wanted = sim.options.external_ids.get(&account).map(String::as_str);
    if wanted.is_some() && params.get("ExternalId") != wanted {
        let message =
            format!("User is not authorized to perform: sts:AssumeRole on resource: {role}");
        return Err(Refusal::new(StatusCode::FORBIDDEN, "AccessDenied", &message));
    }
    // The machine's time, not the simulated one: the caller compares it with its own clock.
    let expires = SystemClock.now().plus(Duration::from_secs(3_600));
    let name = role.rsplit('/').next().unwrap_or_default();
    Ok(answer("AssumeRole", request_id, |xml| {
        xml.element("Credentials", |xml| {
            xml.text("AccessKeyId", assumed_key(&account));
            xml.text("SecretAccessKey", "simulated");
            xml.text("SessionToken", "simulated");
            xml.text("Expiration", expires);
        });
        xml.element("AssumedRoleUser", |xml| {
            xml.text("AssumedRoleId", format!("AROASIMULATED0000000:{session}"));
            xml.text("Arn", format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"));
        });
    }))
}

/// Reads the account out of `arn:aws:iam::ACCOUNT:role/NAME`.
fn account_of(role: &str) -> Option<Account> {
    let (account, name) = role.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
    if name.is_empty() { None } else { account.parse().ok() }
}

fn answer(action: &str, request_id: &str, fill: impl FnOnce(&mut Xml)) -> String {
    Xml::document(&format!("{action}Response"), NAMESPACE, |xml| {
        xml.element(&format!("{action}Result"), fill);
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    })
}
