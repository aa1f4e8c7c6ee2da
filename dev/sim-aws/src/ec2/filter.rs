//! EC2's filters: all must hold, and of each filter one of its values.

use ccm_testkit::cloud::{MachineSeen, matches_pattern};

use super::describe::state_name;
use crate::params::Params;
use crate::refusal::Refusal;

/// One filter.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) name: String,
    values: Vec<String>,
}

/// Reads `Filter.N`.
pub(super) fn filters(params: &Params) -> Result<Vec<Filter>, Refusal> {
    params
        .groups("Filter")
        .into_iter()
        .map(|group| {
            let filter =
                Filter { name: group.must("Name")?.to_owned(), values: group.list("Value") };
            if filter.values.is_empty() {
                return Err(invalid(&format!("The filter '{}' has no values", filter.name)));
            }
            if filter.values.len() > 200 {
                return Err(Refusal::bad_request(
                    "FilterLimitExceeded",
                    "The maximum number of filter values specified on a single call is 200",
                ));
            }
            Ok(filter)
        })
        .collect()
}

impl Filter {
    /// Whether one of the values matches the text.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.values.iter().any(|value| matches_pattern(value, text))
    }

    pub(super) fn unknown(&self) -> Refusal {
        invalid(&format!("The filter '{}' is invalid", self.name))
    }

    /// Whether the filter of DescribeInstances lets an instance through.
    pub(super) fn admits(&self, machine: &MachineSeen) -> Result<bool, Refusal> {
        let seen = &machine.instance;
        let maybe = |text: &Option<String>| text.as_ref().is_some_and(|text| self.matches(text));
        Ok(match self.name.as_str() {
            "instance-id" => self.matches(seen.id.as_str()),
            "instance-state-name" => self.matches(state_name(seen.state)),
            "instance-type" => self.matches(seen.instance_type.as_str()),
            "image-id" => self.matches(machine.image.as_str()),
            "client-token" => maybe(&seen.client_token),
            "ip-address" => maybe(&seen.public_ip),
            "private-ip-address" => maybe(&seen.private_ip),
            "key-name" => maybe(&machine.key_name),
            "reservation-id" => self.matches(&machine.reservation),
            "subnet-id" => self.matches(&machine.subnet),
            "availability-zone" => self.matches(&machine.zone),
            "tag-key" => seen.tags.keys().any(|key| self.matches(key)),
            name => match name.strip_prefix("tag:") {
                Some(key) => seen.tags.get(key).is_some_and(|value| self.matches(value)),
                None => return Err(self.unknown()),
            },
        })
    }

    /// Whether the filter of DescribeInstanceStatus lets an instance through; it knows far fewer names.
    pub(super) fn admits_status(&self, machine: &MachineSeen) -> Result<bool, Refusal> {
        match self.name.as_str() {
            "instance-state-name" => Ok(self.matches(state_name(machine.instance.state))),
            "availability-zone" => Ok(self.matches(&machine.zone)),
            _ => Err(self.unknown()),
        }
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::bad_request("InvalidParameterValue", message)
}
