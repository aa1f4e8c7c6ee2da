//! SDK types ⇄ domain, nothing else.

use std::collections::BTreeMap;

use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types as ec2;
use ccm_domain::{Image, Instance, InstanceId, InstanceState, StatusCheck, Timestamp};

/// Status checks by instance.
pub(crate) type Checks = BTreeMap<String, (StatusCheck, StatusCheck)>;

/// Reads an instance; `None` when it has no id or type that we understand.
pub(crate) fn instance(from: ec2::Instance, checks: &Checks) -> Option<Instance> {
    let id = from.instance_id?;
    let instance_type =
        from.instance_type.as_ref().map(ec2::InstanceType::as_str).unwrap_or_default();
    let (Ok(parsed), Ok(instance_type)) = (id.parse(), instance_type.parse()) else {
        tracing::warn!(instance.id = id, "instance {id} has an id or type that is not understood");
        return None;
    };
    let (system_check, instance_check) = checks.get(&id).copied().unwrap_or_default();
    let why = from.state_reason.and_then(|reason| reason.message.or(reason.code));
    let monitoring = from.monitoring.and_then(|monitoring| monitoring.state);
    Some(Instance {
        id: parsed,
        state: from
            .state
            .and_then(|state| state.name)
            .map_or(InstanceState::Unknown, |name| state(&name)),
        state_reason: filled(why).or_else(|| filled(from.state_transition_reason)),
        instance_type,
        image_id: from.image_id.and_then(|id| id.parse().ok()),
        launched_at: from.launch_time.as_ref().map(moment),
        public_ip: filled(from.public_ip_address),
        private_ip: filled(from.private_ip_address),
        tags: tags(from.tags),
        // `pending` is what EC2 says right after it was turned on.
        detailed_monitoring: matches!(
            monitoring,
            Some(ec2::MonitoringState::Enabled | ec2::MonitoringState::Pending)
        ),
        client_token: filled(from.client_token),
        system_check,
        instance_check,
    })
}

/// Reads both status checks of an instance.
pub(crate) fn checks(from: ec2::InstanceStatus) -> Option<(String, (StatusCheck, StatusCheck))> {
    let of = |summary: Option<ec2::InstanceStatusSummary>| {
        summary
            .and_then(|summary| summary.status)
            .map_or_else(StatusCheck::default, |status| check(&status))
    };
    Some((from.instance_id?, (of(from.system_status), of(from.instance_status))))
}

/// Reads an image; `None` when it has no id that we understand.
pub(crate) fn image(from: ec2::Image) -> Option<Image> {
    Some(Image {
        id: from.image_id?.parse().ok()?,
        name: from.name.unwrap_or_default(),
        description: filled(from.description),
        created_at: from.creation_date.and_then(|text| text.parse().ok()),
    })
}

/// Writes tags.
pub(crate) fn to_tags(tags: &BTreeMap<String, String>) -> Vec<ec2::Tag> {
    tags.iter().map(|(key, value)| ec2::Tag::builder().key(key).value(value).build()).collect()
}

/// Writes a filter.
pub(crate) fn to_filter(name: &str, values: impl IntoIterator<Item = String>) -> ec2::Filter {
    ec2::Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}

/// Writes ids.
pub(crate) fn to_ids(ids: &[InstanceId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// Reads a moment.
pub(crate) fn moment(from: &DateTime) -> Timestamp {
    Timestamp::from_millis(from.to_millis().unwrap_or(0))
}

/// Writes a moment.
pub(crate) fn to_moment(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millis())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "EC2 may add states; ours keeps them as unknown"
)]
fn state(from: &ec2::InstanceStateName) -> InstanceState {
    match from {
        ec2::InstanceStateName::Pending => InstanceState::Pending,
        ec2::InstanceStateName::Running => InstanceState::Running,
        ec2::InstanceStateName::ShuttingDown => InstanceState::ShuttingDown,
        ec2::InstanceStateName::Stopped => InstanceState::Stopped,
        ec2::InstanceStateName::Stopping => InstanceState::Stopping,
        ec2::InstanceStateName::Terminated => InstanceState::Terminated,
        other => {
            tracing::warn!(
                instance.state = other.as_str(),
                "EC2 tells an instance state that is not known"
            );
            InstanceState::Unknown
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "EC2 may add words; none of them means that all is well"
)]
fn check(from: &ec2::SummaryStatus) -> StatusCheck {
    match from {
        ec2::SummaryStatus::Ok => StatusCheck::Ok,
        ec2::SummaryStatus::Impaired => StatusCheck::Impaired,
        ec2::SummaryStatus::Initializing => StatusCheck::Initializing,
        ec2::SummaryStatus::NotApplicable | ec2::SummaryStatus::InsufficientData => {
            StatusCheck::NotApplicable
        }
        other => {
            tracing::warn!(
                instance.check = other.as_str(),
                "EC2 tells a status check that is not known"
            );
            StatusCheck::NotApplicable
        }
    }
}

fn tags(from: Option<Vec<ec2::Tag>>) -> BTreeMap<String, String> {
    from.unwrap_or_default()
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect()
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
