//! Start, stop, terminate, monitor, modify.

use ccm_testkit::cloud::Transition;

use super::Call;
use super::describe::state;
use crate::refusal::Refusal;

pub(super) async fn start(call: &Call<'_>) -> Result<String, Refusal> {
    let ids = call.some_ids("InstanceId")?;
    let changed = call.sim.cloud.start_instances(&call.caller.scope, &ids).await?;
    Ok(transitions(call, "StartInstances", &changed))
}

pub(super) async fn stop(call: &Call<'_>) -> Result<String, Refusal> {
    let ids = call.some_ids("InstanceId")?;
    let changed = call.sim.cloud.stop_instances(&call.caller.scope, &ids).await?;
    Ok(transitions(call, "StopInstances", &changed))
}

pub(super) async fn terminate(call: &Call<'_>) -> Result<String, Refusal> {
    let ids = call.some_ids("InstanceId")?;
    let changed = call.sim.cloud.terminate_instances(&call.caller.scope, &ids).await?;
    Ok(transitions(call, "TerminateInstances", &changed))
}

pub(super) async fn monitor(call: &Call<'_>, on: bool) -> Result<String, Refusal> {
    let ids = call.some_ids("InstanceId")?;
    call.sim.cloud.monitor_instances(&call.caller.scope, &ids, on).await?;
    let (action, state) =
        if on { ("MonitorInstances", "pending") } else { ("UnmonitorInstances", "disabling") };
    Ok(call.answer(action, |xml| {
        xml.items("instancesSet", &ids, |xml, id| {
            xml.text("instanceId", id);
            xml.element("monitoring", |xml| xml.text("state", state));
        });
    }))
}

pub(super) async fn modify(call: &Call<'_>) -> Result<String, Refusal> {
    let params = call.params;
    let id = params.must("InstanceId")?;
    let id = id.parse().map_err(|_| ccm_testkit::cloud::CloudError::MalformedId(id.to_owned()))?;
    let (cloud, scope) = (&call.sim.cloud, &call.caller.scope);
    // Both forms are in use: `InstanceType.Value=…`, and `Attribute=instanceType&Value=…`.
    let of = |structure: &str, attribute: &str| {
        let named = if params.get("Attribute") == Some(attribute) { "Value" } else { structure };
        params.get(named).map(str::to_owned)
    };
    if let Some(wanted) = of("InstanceType.Value", "instanceType") {
        let wanted = wanted.parse().map_err(|_| {
            let message = format!("Invalid value '{wanted}' for InstanceType.");
            Refusal::bad_request("InvalidInstanceAttributeValue", &message)
        })?;
        cloud.modify_type(scope, &id, &wanted).await?;
    } else if let Some(on) = of("DisableApiTermination.Value", "disableApiTermination") {
        cloud.modify_protection(scope, &id, on.eq_ignore_ascii_case("true")).await?;
    } else {
        let message = "No attributes specified.";
        return Err(Refusal::bad_request("InvalidParameterCombination", message));
    }
    Ok(call.answer("ModifyInstanceAttribute", |xml| xml.text("return", true)))
}

fn transitions(call: &Call<'_>, action: &str, changed: &[Transition]) -> String {
    call.answer(action, |xml| {
        xml.items("instancesSet", changed, |xml, change| {
            xml.text("instanceId", &change.id);
            state(xml, "currentState", change.current);
            state(xml, "previousState", change.previous);
        });
    })
}
