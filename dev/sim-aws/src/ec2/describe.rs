//! DescribeInstances, DescribeInstanceStatus, DescribeInstanceAttribute.

use std::collections::BTreeMap;

use ccm_domain::{InstanceState, StatusCheck};
use ccm_testkit::cloud::{CloudError, MachineSeen};

use super::filter::{Filter, filters};
use super::page::page;
use super::{Call, tags};
use crate::refusal::Refusal;
use crate::xml::Xml;

pub(super) async fn instances(call: &Call<'_>) -> Result<String, Refusal> {
    let all = call.sim.cloud.describe_instances(&call.caller.scope).await?;
    let (shown, token) = page(call, chosen(call, all, Filter::admits)?)?;
    let mut reservations: BTreeMap<&str, Vec<&MachineSeen>> = BTreeMap::new();
    for machine in &shown {
        reservations.entry(&machine.reservation).or_default().push(machine);
    }
    Ok(call.answer("DescribeInstances", |xml| {
        xml.items("reservationSet", reservations, |xml, (id, machines)| {
            reservation(call, xml, id, &machines)
        });
        xml.maybe("nextToken", token);
    }))
}

pub(super) async fn status(call: &Call<'_>) -> Result<String, Refusal> {
    let all = call.sim.cloud.describe_status(&call.caller.scope).await?;
    let mut machines = chosen(call, all, Filter::admits_status)?;
    if !call.params.is_on("IncludeAllInstances") {
        machines.retain(|machine| machine.instance.state == InstanceState::Running);
    }
    let (shown, token) = page(call, machines)?;
    Ok(call.answer("DescribeInstanceStatus", |xml| {
        xml.items("instanceStatusSet", shown, |xml, machine| {
            xml.text("instanceId", &machine.instance.id);
            xml.text("availabilityZone", &machine.zone);
            state(xml, "instanceState", machine.instance.state);
            check(xml, "systemStatus", machine.instance.system_check);
            check(xml, "instanceStatus", machine.instance.instance_check);
        });
        xml.maybe("nextToken", token);
    }))
}

pub(super) async fn attribute(call: &Call<'_>) -> Result<String, Refusal> {
    let attribute = call.params.must("Attribute")?;
    let id = call.params.must("InstanceId")?;
    let all = call.sim.cloud.describe_instances(&call.caller.scope).await?;
    let machine = all
        .into_iter()
        .find(|machine| machine.instance.id.as_str() == id)
        .ok_or_else(|| unknown(id))?;
    let value = match attribute {
        "instanceType" => machine.instance.instance_type.to_string(),
        "disableApiTermination" => machine.protected.to_string(),
        other => {
            let message =
                format!("Value ({other}) for parameter attribute is invalid. Unknown attribute.");
            return Err(Refusal::bad_request("InvalidParameterValue", &message));
        }
    };
    Ok(call.answer("DescribeInstanceAttribute", |xml| {
        xml.text("instanceId", id);
        xml.element(attribute, |xml| xml.text("value", value));
    }))
}

/// Writes a reservation with its instances.
pub(super) fn reservation(call: &Call<'_>, xml: &mut Xml, id: &str, machines: &[&MachineSeen]) {
    xml.text("reservationId", id);
    xml.text("ownerId", &call.caller.scope.account);
    xml.element("groupSet", |_| {});
    xml.items("instancesSet", machines, |xml, machine| instance(xml, machine));
}

/// Writes `<code>` and `<name>` of a state.
pub(super) fn state(xml: &mut Xml, element: &str, state: InstanceState) {
    let code = match state {
        InstanceState::Pending | InstanceState::Unknown => 0,
        InstanceState::Running => 16,
        InstanceState::ShuttingDown => 32,
        InstanceState::Terminated => 48,
        InstanceState::Stopping => 64,
        InstanceState::Stopped => 80,
    };
    xml.element(element, |xml| {
        xml.text("code", code);
        xml.text("name", state_name(state));
    });
}

pub(super) const fn state_name(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Pending => "pending",
        InstanceState::Running => "running",
        InstanceState::ShuttingDown => "shutting-down",
        InstanceState::Terminated => "terminated",
        InstanceState::Stopping => "stopping",
        InstanceState::Stopped => "stopped",
        InstanceState::Unknown => "unknown",
    }
}

/// Keeps those that the ids and filters ask for; an unknown id spoils the whole call, as in EC2.
fn chosen(
    call: &Call<'_>,
    mut machines: Vec<MachineSeen>,
    admits: fn(&Filter, &MachineSeen) -> Result<bool, Refusal>,
) -> Result<Vec<MachineSeen>, Refusal> {
    let ids = call.ids("InstanceId")?;
    if let Some(id) = ids.iter().find(|id| !machines.iter().any(|m| m.instance.id == **id)) {
        return Err(CloudError::NoInstance(id.clone()).into());
    }
    machines.retain(|machine| ids.is_empty() || ids.contains(&machine.instance.id));
    let mut kept = machines;
    for filter in filters(call.params)? {
        let admitted =
            kept.iter().map(|machine| admits(&filter, machine)).collect::<Result<Vec<_>, _>>()?;
        let mut admitted = admitted.into_iter();
        kept.retain(|_| admitted.next().unwrap_or(false));
    }
    Ok(kept)
}

fn instance(xml: &mut Xml, machine: &MachineSeen) {
    let seen = &machine.instance;
    xml.text("instanceId", &seen.id);
    xml.text("imageId", &machine.image);
    state(xml, "instanceState", seen.state);
    xml.text("privateDnsName", "");
    xml.text("dnsName", "");
    xml.text("reason", &machine.transition);
    xml.maybe("keyName", machine.key_name.as_deref());
    xml.text("amiLaunchIndex", 0);
    xml.text("instanceType", &seen.instance_type);
    xml.text("launchTime", machine.launched_at);
    xml.element("placement", |xml| {
        xml.text("availabilityZone", &machine.zone);
        xml.text("tenancy", "default");
    });
    let monitoring = if seen.detailed_monitoring { "enabled" } else { "disabled" };
    xml.element("monitoring", |xml| xml.text("state", monitoring));
    xml.text("subnetId", &machine.subnet);
    xml.maybe("privateIpAddress", seen.private_ip.as_deref());
    xml.maybe("ipAddress", seen.public_ip.as_deref());
    xml.items("groupSet", &machine.security_groups, |xml, id| {
        xml.text("groupId", id);
        xml.text("groupName", "labs");
    });
    if let Some(reason) = machine.reason {
        xml.element("stateReason", |xml| {
            xml.text("code", reason.code());
            xml.text("message", reason.message());
        });
    }
    xml.text("architecture", "x86_64");
    xml.text("rootDeviceType", "ebs");
    xml.text("rootDeviceName", "/dev/sda1");
    xml.text("virtualizationType", "hvm");
    xml.text("clientToken", seen.client_token.as_deref().unwrap_or_default());
    if !seen.tags.is_empty() {
        tags::tag_set(xml, &seen.tags);
    }
    xml.text("hypervisor", "xen");
    xml.text("ebsOptimized", false);
}

fn check(xml: &mut Xml, element: &str, check: StatusCheck) {
    let (status, detail) = match check {
        StatusCheck::Ok => ("ok", Some("passed")),
        StatusCheck::Impaired => ("impaired", Some("failed")),
        StatusCheck::Initializing => ("initializing", Some("initializing")),
        StatusCheck::NotApplicable => ("not-applicable", None),
    };
    xml.element(element, |xml| {
        xml.text("status", status);
        if let Some(detail) = detail {
            xml.items("details", ["reachability"], |xml, name| {
                xml.text("name", name);
                xml.text("status", detail);
            });
        }
    });
}

fn unknown(id: &str) -> Refusal {
    match id.parse() {
        Ok(id) => CloudError::NoInstance(id).into(),
        Err(_) => CloudError::MalformedId(id.to_owned()).into(),
    }
}
