//! RunInstances.

use ccm_ports::LaunchOrder;
use ccm_testkit::cloud::{CloudError, MachineSeen};

use super::describe::reservation;
use super::{Call, tags};
use crate::refusal::Refusal;

pub(super) async fn run(call: &Call<'_>) -> Result<String, Refusal> {
    let count = count(call)?;
    let order = order(call)?;
    let cloud = &call.sim.cloud;
    let launched = cloud.run_instances(&call.caller.scope, &order, count).await?;
    if call.params.is_on("Monitoring.Enabled") {
        for machine in &launched {
            cloud.monitor_as_console(&machine.instance.id, true)?;
        }
    }
    let machines: Vec<&MachineSeen> = launched.iter().collect();
    let id = launched.first().map_or("", |machine| machine.reservation.as_str());
    Ok(call.answer("RunInstances", |xml| reservation(call, xml, id, &machines)))
}

fn count(call: &Call<'_>) -> Result<usize, Refusal> {
    let least: usize =
        call.params.typed("MinCount")?.ok_or_else(|| Refusal::missing("MinCount"))?;
    let most: usize = call.params.typed("MaxCount")?.ok_or_else(|| Refusal::missing("MaxCount"))?;
    if least == 0 || most < least {
        let message = format!("Value ({most}) for parameter maxCount is invalid.");
        return Err(Refusal::bad_request("InvalidParameterValue", &message));
    }
    Ok(most)
}

fn order(call: &Call<'_>) -> Result<LaunchOrder, Refusal> {
    let params = call.params;
    let image = params.must("ImageId")?;
    let image = image.parse().map_err(|_| {
        let message = format!("Invalid id: \"{image}\" (expecting \"ami-...\")");
        Refusal::bad_request("InvalidAMIID.Malformed", &message)
    })?;
    let wanted = params.get("InstanceType").unwrap_or("m1.small");
    let instance_type = wanted.parse().map_err(|_| {
        CloudError::InvalidValue(format!("Invalid value '{wanted}' for InstanceType."))
    })?;
    let specifications = params.groups("TagSpecification");
    let of_instance =
        specifications.iter().find(|tags| tags.get("ResourceType") == Some("instance"));
    Ok(LaunchOrder {
        token: params.get("ClientToken").unwrap_or_default().to_owned(),
        image,
        instance_type,
        tags: of_instance.map(tags::read).transpose()?.unwrap_or_default(),
        subnet: params.get("SubnetId").map(str::to_owned),
        security_groups: params.list("SecurityGroupId"),
        key_name: params.get("KeyName").map(str::to_owned),
    })
}
