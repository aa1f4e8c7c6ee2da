//! What EventBridge says of instances: itself, as API destinations are sent it, or inside of a CloudEvent.
//!
//! Source: Amazon EC2 user guide, "Monitor your instances using EventBridge".

use ccm_domain::{FieldFault, InstanceId, InstanceState};
use serde_json::{Map, Value};

use super::{Foreign, Unreadable, must_fit};

/// `detail-type` of the one notification that is acted on.
const STATE_CHANGE: &str = "EC2 Instance State-change Notification";

/// EC2 says that an instance is in another state. A hint: what it is in now is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceNotice {
    /// Which.
    pub instance: InstanceId,
    /// The state that it went to.
    pub state: InstanceState,
}

/// Reads what EventBridge sends without being asked for CloudEvents.
pub(super) fn read_bare(body: &[u8]) -> Result<Foreign, Unreadable> {
    must_fit(body.len())?;
    let no_event = || {
        let detail = "is missing, and the body is no event of EventBridge either";
        FieldFault::new("header/ce-specversion", detail)
    };
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| no_event())?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(kind), Some(_)) = (text("detail-type"), object.get("detail")) else {
        return Err(no_event().into());
    };
    let required = |name: &'static str| {
        let value = text(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| FieldFault::new(format!("/{name}"), "is missing"))
    };
    let (id, source) = (required("id")?, required("source")?);
    Ok(Foreign { id, source, kind, data: Some(Value::Object(object)), place: String::new() })
}

impl Foreign {
    /// Returns what it says of an instance, if it is about that.
    ///
    /// # Errors
    /// When it should say so and does not.
    pub fn instance_notice(&self) -> Result<Option<InstanceNotice>, FieldFault> {
        let Some(data) = &self.data else { return Ok(None) };
        // Whole, or only its inner part when the type says what that is.
        let (detail, place) = if data["detail-type"] == STATE_CHANGE {
            (&data["detail"], format!("{}/detail", self.place))
        } else if self.kind == STATE_CHANGE {
            (data, self.place.clone())
        } else {
            return Ok(None);
        };
        let instance = detail["instance-id"].as_str().and_then(|id| id.parse().ok());
        let instance = instance.ok_or_else(|| {
            let detail = "must be an instance id such as i-0abcd1234ef567890";
            FieldFault::new(format!("{place}/instance-id"), detail)
        })?;
        let state = detail["state"].as_str().ok_or_else(|| {
            FieldFault::new(format!("{place}/state"), "must be the state of the instance")
        })?;
        Ok(Some(InstanceNotice { instance, state: InstanceState::of_ec2(state) }))
    }
}
