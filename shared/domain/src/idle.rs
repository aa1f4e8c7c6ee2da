//! Whether a worker is idle, when it will be stopped, and why: one pure, explained decision.
//!
//! **Invariants:** a worker is never idle by what we failed to read; a later use never brings the
//! deadline nearer; a switched off policy never stops anything.
//!
//! Reference time = the latest of last use, resume, start, creation. Deadline = reference + timeout,
//! never before the end of a snooze or of what people extended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::IdleSettings;
use crate::{Activity, Timestamp};

mod policy;

pub use policy::{EffectivePolicy, IdlePolicy, PolicySource};

/// The tag by which an instance says its own policy: `never`, or a time such as `2h`.
pub const IDLE_TAG: &str = "ccm:idle";

/// How long a reading proves silence: the time between reading and deciding, not more.
const PROOF: Duration = Duration::from_secs(60);

/// How long a reading is worth showing; older means that reading fails.
const STALE: Duration = Duration::from_secs(1_800);

/// All that the decision looks at.
#[derive(Clone, Copy, Debug)]
pub struct IdleInputs<'a> {
    /// Whether EC2 says that the instance runs.
    pub running: bool,
    /// Whether the controller is ready, so that telemetry can be read.
    pub ready: bool,
    /// Since when it runs.
    pub running_since: Option<Timestamp>,
    /// When the worker was created or imported.
    pub created_at: Timestamp,
    /// When it was last resumed by us.
    pub resumed_at: Option<Timestamp>,
    /// Until when people asked it to be kept.
    pub extended_until: Option<Timestamp>,
    /// Until when it is left alone, beyond the snooze that follows each resume.
    pub snoozed_until: Option<Timestamp>,
    /// What is known of its use.
    pub activity: &'a Activity,
    /// What the worker itself says.
    pub worker: &'a IdlePolicy,
    /// The value of [`IDLE_TAG`].
    pub tag: Option<&'a str>,
    /// What the fleet says.
    pub settings: &'a IdleSettings,
    /// The time.
    pub now: Timestamp,
}

/// What is to be thought of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing to stop.
    NotRunning,
    /// The policy is off for it.
    Disabled,
    /// Nobody can tell: telemetry was not or cannot be read.
    #[default]
    Unknown,
    /// Used within the timeout.
    Active,
    /// The deadline is near, or passed and waits for one more reading.
    Warned,
    /// To be stopped.
    Idle,
    /// Resumed or left alone a short while ago.
    Snoozed,
    /// People asked to keep it.
    Extended,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Its name, such as `last_use`.
    pub name: String,
    /// Its value in words.
    pub value: String,
    /// The moment that it stands for.
    pub at: Option<Timestamp>,
    /// Where it comes from, such as `telemetry`.
    pub source: String,
}

/// The decision with everything that led to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdleVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// When it will be stopped unless somebody uses it; none when it will not.
    pub deadline: Option<Timestamp>,
    /// The moment from which the timeout runs.
    pub reference: Option<Timestamp>,
    /// The verdict in a sentence.
    pub reason: String,
    /// Everything that was looked at.
    pub signals: Vec<Signal>,
    /// The policy that applies.
    pub policy: EffectivePolicy,
    /// When it was decided.
    pub decided_at: Timestamp,
}

impl IdleVerdict {
    /// Says whether people see another decision: the same but for the time of it is none.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        (self.verdict, self.deadline, &self.policy)
            != (other.verdict, other.deadline, &other.policy)
    }
}

impl IdleInputs<'_> {
    /// Decides.
    #[must_use]
    pub fn decide(&self) -> IdleVerdict {
        let policy = EffectivePolicy::of(self.settings, self.tag, self.worker);
        let (reference, since_what) = self.reference();
        let (deadline, held_by) = self.deadline(reference, &policy);
        let (verdict, reason) = if !self.running {
            (Verdict::NotRunning, "the instance does not run".to_owned())
        } else if let Some(reason) = &policy.disabled_because {
            (Verdict::Disabled, reason.clone())
        } else {
            self.judge(deadline, held_by, &format!("{since_what} at {reference}"))
        };
        let counts = !matches!(verdict, Verdict::NotRunning | Verdict::Disabled);
        IdleVerdict {
            verdict,
            deadline: counts.then_some(deadline),
            reference: self.running.then_some(reference),
            reason,
            signals: self.signals(),
            policy,
            decided_at: self.now,
        }
    }

    /// Returns the moment from which the timeout runs, and what happened then.
    fn reference(&self) -> (Timestamp, &'static str) {
        [
            (self.activity.last_at, "last use"),
            (self.resumed_at, "resume"),
            (self.running_since, "start"),
        ]
        .into_iter()
        .filter_map(|(at, what)| at.map(|at| (at, what)))
        .fold((self.created_at, "creation"), |best, next| if next.0 > best.0 { next } else { best })
    }

    /// Returns the deadline, and what holds it when it is not the timeout.
    fn deadline(
        &self,
        reference: Timestamp,
        policy: &EffectivePolicy,
    ) -> (Timestamp, Option<Verdict>) {
        let by_timeout = reference.plus(Duration::from_secs(policy.timeout_s));
        [(self.snooze_end(), Verdict::Snoozed), (self.extended_until, Verdict::Extended)]
            .into_iter()
            .filter_map(|(until, holder)| until.map(|until| (until, Some(holder))))
            .fold((by_timeout, None), |best, next| if next.0 > best.0 { next } else { best })
    }

    fn snooze_end(&self) -> Option<Timestamp> {
        let snooze = Duration::from_secs(self.settings.snooze_s);
        self.resumed_at.map(|at| at.plus(snooze)).max(self.snoozed_until)
    }

    /// Judges a running worker whose policy is on.
    fn judge(
        &self,
        deadline: Timestamp,
        held_by: Option<Verdict>,
        since: &str,
    ) -> (Verdict, String) {
        if let Some(why) = self.cannot_tell() {
            return match held_by.filter(|_| self.now < deadline) {
                Some(holder) => (holder, format!("kept until {deadline}; {why}")),
                None => (Verdict::Unknown, format!("never stopped blindly: {why}")),
            };
        }
        let warn_from = deadline.minus(Duration::from_secs(self.settings.warn_before_s));
        if self.now < warn_from {
            return match held_by {
                Some(holder) => (holder, format!("kept until {deadline}")),
                None => (Verdict::Active, format!("{since}; idle at {deadline}")),
            };
        }
        if self.now < deadline {
            return (Verdict::Warned, format!("{since}; will be stopped at {deadline}"));
        }
        if self.silence_proven(deadline) {
            (Verdict::Idle, format!("{since}, nothing since; the deadline was {deadline}"))
        } else {
            let text = format!(
                "{since}; the deadline {deadline} has passed, the next reading of telemetry decides"
            );
            (Verdict::Warned, text)
        }
    }

    /// Returns why nothing can be said about use, if so.
    fn cannot_tell(&self) -> Option<String> {
        let activity = self.activity;
        if !self.ready {
            return Some("the controller is not ready, its telemetry cannot be read".to_owned());
        }
        if let Some(error) = &activity.read_error {
            return Some(format!("telemetry cannot be read: {error}"));
        }
        match activity.read_at {
            None => Some("telemetry was not read yet".to_owned()),
            Some(read_at) if self.now.since(read_at) > STALE => {
                Some(format!("telemetry was last read at {read_at}"))
            }
            Some(_) => None,
        }
    }

    /// Says whether the last reading saw the whole span up to the deadline, and just now.
    fn silence_proven(&self, deadline: Timestamp) -> bool {
        self.activity.read_at.is_some_and(|at| at >= deadline && self.now.since(at) <= PROOF)
    }

    fn signals(&self) -> Vec<Signal> {
        let activity = self.activity;
        let by =
            |user: &Option<String>| user.as_ref().map_or(String::new(), |u| format!(" by {u}"));
        let use_text = activity
            .last_kind
            .as_ref()
            .map_or("none seen".to_owned(), |kind| format!("{kind}{}", by(&activity.last_user)));
        let reading = match (&activity.read_error, activity.read_at) {
            (Some(error), _) => format!("failed: {error}"),
            (None, Some(_)) => format!("{} uses in 24 h", activity.counted_24h),
            (None, None) => "not read yet".to_owned(),
        };
        let text = |at: Option<Timestamp>| if at.is_some() { "yes" } else { "no" }.to_owned();
        let mut signals = vec![
            signal("last_use", use_text, activity.last_at, "telemetry"),
            signal("telemetry", reading, activity.tried_at, "telemetry"),
            signal("running", text(self.running_since), self.running_since, "ec2"),
            signal("created", "yes".to_owned(), Some(self.created_at), "fleet"),
            signal("resumed", text(self.resumed_at), self.resumed_at, "fleet"),
            signal("snoozed_until", text(self.snooze_end()), self.snooze_end(), "fleet"),
            signal("extended_until", text(self.extended_until), self.extended_until, "operator"),
        ];
        if activity.unreadable > 0 {
            let value = format!("{} records", activity.unreadable);
            signals.push(signal("unreadable_times", value, activity.read_at, "telemetry"));
        }
        if let Some(tag) = self.tag {
            signals.push(signal(IDLE_TAG, tag.to_owned(), None, "tag"));
        }
        signals
    }
}

fn signal(name: &str, value: String, at: Option<Timestamp>, source: &str) -> Signal {
    Signal { name: name.to_owned(), value, at, source: source.to_owned() }
}

#[cfg(test)]
mod tests;
