//! Which idle policy applies to a worker: fleet, tag, worker, the more special one first.

use serde::{Deserialize, Serialize};

use crate::FieldFault;
use crate::settings::{Bounds, IdleSettings};

/// What a worker says about its own idleness; what it leaves open comes from the tag, then the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdlePolicy {
    /// Whether it may be stopped.
    pub enabled: Option<bool>,
    /// Seconds without use after which it is idle.
    pub timeout_s: Option<u64>,
}

/// Who said it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicySource {
    /// The fleet's settings.
    #[default]
    Fleet,
    /// The instance's tag.
    Tag,
    /// The worker itself.
    Worker,
}

/// The policy that applies, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EffectivePolicy {
    /// Whether the worker may be stopped.
    pub enabled: bool,
    /// Seconds without use after which it is idle.
    pub timeout_s: u64,
    /// The most special place that had a say.
    pub source: PolicySource,
    /// Why it is off, as a sentence; none when it is on.
    pub disabled_because: Option<String>,
}

impl IdlePolicy {
    /// Returns every field that is out of its bounds, below `at`.
    #[must_use]
    pub fn check(&self, at: &str) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if let Some(timeout_s) = self.timeout_s {
            Bounds::IDLE_TIMEOUT_S.check(&format!("{at}/timeout_s"), timeout_s, &mut faults);
        }
        faults
    }
}

/// What a tag says.
enum TagPolicy {
    Silent,
    Never,
    Timeout(u64),
    NotUnderstood,
}

impl EffectivePolicy {
    /// Puts the three together. The fleet's switch is the master: off there is off everywhere.
    ///
    /// A tag that nobody understands keeps the worker running: whoever wrote it meant something.
    #[must_use]
    pub fn of(fleet: &IdleSettings, tag: Option<&str>, worker: &IdlePolicy) -> Self {
        let tag_policy = tag.map_or(TagPolicy::Silent, TagPolicy::parse);
        let (tag_timeout, tag_refuses) = match tag_policy {
            TagPolicy::Silent => (None, None),
            TagPolicy::Timeout(seconds) => (Some(seconds), None),
            TagPolicy::Never => (None, Some("the instance's tag says never".to_owned())),
            TagPolicy::NotUnderstood => {
                let word = tag.unwrap_or_default();
                let text = format!(
                    "the instance's tag says '{word}', neither never nor a time such as 2h"
                );
                (None, Some(text))
            }
        };
        let tag_spoke = tag_timeout.is_some() || tag_refuses.is_some();
        let disabled_because = match (fleet.enabled, worker.enabled) {
            (false, _) => Some("idle detection is off in the fleet's settings".to_owned()),
            (true, Some(false)) => Some("idle detection is off for this worker".to_owned()),
            (true, Some(true)) => None,
            (true, None) => tag_refuses,
        };
        let source = if !fleet.enabled {
            PolicySource::Fleet
        } else if worker.enabled.is_some() || worker.timeout_s.is_some() {
            PolicySource::Worker
        } else if tag_spoke {
            PolicySource::Tag
        } else {
            PolicySource::Fleet
        };
        Self {
            enabled: disabled_because.is_none(),
            timeout_s: worker.timeout_s.or(tag_timeout).unwrap_or(fleet.timeout_s),
            source,
            disabled_because,
        }
    }
}

impl TagPolicy {
    fn parse(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "" => return Self::Silent,
            "never" | "off" => return Self::Never,
            _ => {}
        }
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Self::NotUnderstood,
        };
        match digits.trim_end().parse::<u64>().ok().and_then(|n| n.checked_mul(unit)) {
            Some(seconds) if Bounds::IDLE_TIMEOUT_S.hold(seconds) => Self::Timeout(seconds),
            Some(_) | None => Self::NotUnderstood,
        }
    }
}
