//! Every event type in one table.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How an event reaches its readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Committed with the state, logged under a sequence number, told exactly once and in order.
    Durable,
    /// Published as it happens; may be lost or replaced by the next one; never moves a cursor.
    Ephemeral,
}

macro_rules! kinds {
    ($($name:ident $word:literal $version:literal $delivery:ident $doc:literal;)+) => {
        /// The type of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $doc] $name,)+
        }

        impl Kind {
            /// All kinds, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the name used by SSE's `event:` and by filters, such as `worker.state_changed`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// Returns the CloudEvents type, such as `io.ccm.worker.state_changed.v1`.
            #[must_use]
            pub const fn wire_type(self) -> &'static str {
                match self { $(Self::$name => concat!("io.ccm.", $word, ".v", $version),)+ }
            }

            /// Returns how the event is delivered.
            #[must_use]
            pub const fn delivery(self) -> Delivery {
                match self { $(Self::$name => Delivery::$delivery,)+ }
            }

            /// Returns what the event tells, as one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc,)+ }
            }
        }
    };
}

kinds! {
    WorkerCreated "worker.created" "1" Durable "A worker was asked for; its instance does not exist yet.";
    WorkerImported "worker.imported" "1" Durable "An existing instance became a worker.";
    WorkerSpecChanged "worker.spec_changed" "1" Durable "What is wanted of a worker changed.";
    WorkerStateChanged "worker.state_changed" "1" Durable "The worker's state changed.";
    WorkerServiceChanged "worker.service_changed" "1" Durable "The controller became reachable, degraded or unreachable.";
    WorkerDetailsChanged "worker.details_changed" "1" Durable "Addresses, type, versions or counts changed, or drift was seen.";
    WorkerTagsChanged "worker.tags_changed" "1" Durable "The tags seen on the instance changed.";
    WorkerPaused "worker.paused" "1" Durable "The worker stopped; the payload says why and by whom.";
    WorkerResumed "worker.resumed" "1" Durable "The worker runs again; the payload says why and by whom.";
    WorkerIdlePolicyChanged "worker.idle_policy_changed" "1" Durable "The worker's own idle policy changed.";
    WorkerActivityChanged "worker.activity_changed" "1" Durable "Use by a person was seen, or the idle decision changed.";
    WorkerLicenseChanged "worker.license_changed" "1" Durable "The licence status changed.";
    WorkerOperationChanged "worker.operation_changed" "1" Durable "A long action began, moved on or ended.";
    WorkerRemoved "worker.removed" "1" Durable "The worker was forgotten, its labs with it.";
    LabCreated "lab.created" "1" Durable "A lab was seen for the first time.";
    LabChanged "lab.changed" "1" Durable "A lab's state, title, nodes or links changed.";
    LabRemoved "lab.removed" "1" Durable "A lab is gone.";
    LabActionChanged "lab.action_changed" "1" Durable "An action on a lab was asked for, began or ended.";
    SettingsChanged "settings.changed" "1" Durable "The fleet's settings changed.";
    ScheduleChanged "schedule.changed" "1" Durable "A schedule was changed, paused or resumed.";
    RunFailed "run.failed" "1" Durable "A run failed; the payload says whether and when it is tried again.";
    SystemLeaderChanged "system.leader_changed" "1" Durable "Another process leads a role.";
    WorkerMetrics "worker.metrics" "1" Ephemeral "New readings of a worker's load.";
    RunStarted "run.started" "1" Ephemeral "A run began.";
    RunFinished "run.finished" "1" Ephemeral "A run ended.";
    SystemHealth "system.health" "1" Ephemeral "Health of the parts of the system.";
}

impl Kind {
    /// Whether a pattern names it: `worker.created`, `worker.*` or `*`.
    #[must_use]
    pub fn fits(self, pattern: &str) -> bool {
        match pattern.strip_suffix('*') {
            Some("") => true,
            Some(prefix) => prefix.ends_with('.') && self.name().starts_with(prefix),
            None => self.name() == pattern || self.wire_type() == pattern,
        }
    }
}

/// The name is no event type of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such event type")]
pub struct UnknownKind;

impl std::str::FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let named = |kind: &&Self| kind.name() == s || kind.wire_type() == s;
        Self::ALL.iter().find(named).copied().ok_or(UnknownKind)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_both_its_names() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(*kind));
            assert_eq!(kind.wire_type().parse(), Ok(*kind));
        }
        assert_eq!("worker.exploded".parse::<Kind>(), Err(UnknownKind));
    }

    #[test]
    fn patterns_name_types_by_name_and_by_prefix() {
        for (pattern, fits) in [
            ("*", true),
            ("worker.*", true),
            ("worker.created", true),
            ("io.ccm.worker.created.v1", true),
            ("worker", false),
            ("worker.cre*", false),
            ("lab.*", false),
            ("", false),
        ] {
            assert_eq!(Kind::WorkerCreated.fits(pattern), fits, "{pattern}");
        }
    }
}
