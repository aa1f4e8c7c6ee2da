//! Reading the parameters of AWS's query protocols: `Filter.1.Value.2=running`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::refusal::Refusal;

/// The parameters of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns a parameter that must be there.
    pub(crate) fn must(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// Returns a parameter in its type; an error names it.
    pub(crate) fn typed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let parse = |text: &str| {
            let message = format!("Value ({text}) for parameter {name} is invalid.");
            text.parse().map_err(|_| Refusal::bad_request("InvalidParameterValue", &message))
        };
        self.get(name).map(parse).transpose()
    }

    /// Returns a flag; absent is off.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Returns `name.1`, `name.2`, … in order.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.numbers(name)
            .into_iter()
            .filter_map(|n| self.get(&format!("{name}.{n}")).map(str::to_owned))
            .collect()
    }

    /// Returns what stands below `name.1.`, `name.2.`, … in order.
    pub(crate) fn groups(&self, name: &str) -> Vec<Self> {
        self.numbers(name)
            .into_iter()
            .map(|n| {
                let prefix = format!("{name}.{n}.");
                let below = self.0.iter().filter_map(|(key, value)| {
                    key.strip_prefix(&prefix).map(|key| (key.to_owned(), value.clone()))
                });
                Self(below.collect())
            })
            .collect()
    }

    fn numbers(&self, name: &str) -> BTreeSet<u32> {
        let prefix = format!("{name}.");
        self.0
            .keys()
            .filter_map(|key| key.strip_prefix(&prefix)?.split('.').next()?.parse().ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_groups_are_read_in_the_order_of_their_numbers() {
        let params = Params::new(
            [
                ("InstanceId.10", "c"),
                ("InstanceId.2", "b"),
                ("InstanceId.1", "a"),
                ("Filter.1.Name", "tag:Name"),
                ("Filter.1.Value.1", "x.y"),
                ("Filter.2.Name", "image-id"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        );

        assert_eq!(params.list("InstanceId"), ["a", "b", "c"]);
        let filters = params.groups("Filter");
        assert_eq!(filters.len(), 2);
        assert_eq!(filters[0].get("Name"), Some("tag:Name"));
        assert_eq!(filters[0].list("Value"), ["x.y"]);
    }
}
