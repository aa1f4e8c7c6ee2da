//! Long actions with steps. The intent is written first; its id is the idempotency token towards AWS.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Author, OperationId, Timestamp};

/// How long a power operation may take; metal instances and first boots take up to 20 minutes.
pub const POWER_LIMIT: Duration = Duration::from_secs(30 * 60);
/// How long a licence operation may take; the licence server is polled meanwhile.
pub const LICENSE_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How often a step that may succeed later is tried.
pub const MOST_ATTEMPTS: u32 = 8;
/// First pause between two tries; doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Launch an instance and wait until its controller serves.
    Create,
    /// Start a stopped instance and wait until its controller serves.
    Start,
    /// Stop it.
    Stop,
    /// Free the licence, save the labs, terminate the instance.
    Terminate,
    /// Register the licence.
    RegisterLicense,
    /// Give the licence back.
    DeregisterLicense,
}

impl OperationKind {
    /// Whether it is about the licence; all others are about power.
    #[must_use]
    pub const fn is_license(self) -> bool {
        match self {
            Self::RegisterLicense | Self::DeregisterLicense => true,
            Self::Create | Self::Start | Self::Stop | Self::Terminate => false,
        }
    }

    /// Returns the names of its steps, in order.
    #[must_use]
    pub const fn steps(self) -> &'static [&'static str] {
        match self {
            Self::Create => &["launch", "running", "service"],
            Self::Start => &["start", "running", "service"],
            Self::Stop => &["stop", "stopped"],
            Self::Terminate => &["stop_labs", "save_labs", "deregister", "terminate", "terminated"],
            Self::RegisterLicense => &["register", "confirm"],
            Self::DeregisterLicense => &["deregister", "confirm"],
        }
    }

    const fn limit(self) -> Duration {
        if self.is_license() { LICENSE_LIMIT } else { POWER_LIMIT }
    }
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Under way.
    Running,
    /// Done.
    Succeeded,
    /// Ended without success; the reason says why.
    Failed,
    /// Replaced by a later wish.
    Canceled,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its turn has not come.
    Waiting,
    /// Under way.
    Active,
    /// Done.
    Done,
    /// Not needed.
    Skipped,
    /// Failed.
    Failed,
}

/// A step of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// When that became so.
    pub at: Option<Timestamp>,
    /// What happened, for people.
    pub detail: Option<String>,
}

/// A long action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id; also the `ClientToken` of a launch.
    pub id: OperationId,
    /// What is done.
    pub kind: OperationKind,
    /// How far it is.
    pub state: OperationState,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Why it failed, was canceled, or is being tried again.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// Who asked.
    pub by: Author,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How often the present step was tried.
    #[serde(default)]
    pub attempts: u32,
    /// Not tried again before this moment.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Go on even where something would be lost; audited.
    #[serde(default)]
    pub force: bool,
    /// Where the secret that it needs is kept; never the secret itself.
    #[serde(default)]
    pub secret: Option<String>,
    /// Register again although registered.
    #[serde(default)]
    pub reregister: bool,
    /// W3C trace context of the request or run that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Operation {
    /// Begins an operation at its first step.
    #[must_use]
    pub fn begin(id: OperationId, kind: OperationKind, by: Author, now: Timestamp) -> Self {
        let step = |(nth, name): (usize, &&str)| Step {
            name: (*name).to_owned(),
            state: if nth == 0 { StepState::Active } else { StepState::Waiting },
            at: (nth == 0).then_some(now),
            detail: None,
        };
        Self {
            id,
            kind,
            state: OperationState::Running,
            steps: kind.steps().iter().enumerate().map(step).collect(),
            reason: None,
            hint: None,
            by,
            started_at: now,
            ended_at: None,
            attempts: 0,
            not_before: None,
            force: false,
            secret: None,
            reregister: false,
            traceparent: None,
        }
    }

    /// Whether it is under way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == OperationState::Running
    }

    /// Returns the name of the step under way.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        self.steps.iter().find(|s| s.state == StepState::Active).map(|s| s.name.as_str())
    }

    /// Whether it may be tried at `now`.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.is_open() && self.not_before.is_none_or(|at| at <= now)
    }

    /// Whether it has taken longer than it may.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.is_open() && now.since(self.started_at) > self.kind.limit()
    }

    /// Ends the step under way as done or skipped and begins the next; ends the operation after the last.
    pub fn advance(&mut self, skipped: bool, detail: Option<String>, now: Timestamp) {
        let Some(nth) = self.steps.iter().position(|s| s.state == StepState::Active) else {
            return;
        };
        self.attempts = 0;
        self.not_before = None;
        self.reason = None;
        let state = if skipped { StepState::Skipped } else { StepState::Done };
        self.mark(nth, state, detail, now);
        if nth + 1 < self.steps.len() {
            self.mark(nth + 1, StepState::Active, None, now);
        } else {
            self.state = OperationState::Succeeded;
            self.ended_at = Some(now);
        }
    }

    /// Advances until `step` is done; harmless when it is done already.
    pub fn reach(&mut self, step: &str, now: Timestamp) {
        let Some(target) = self.steps.iter().position(|s| s.name == step) else { return };
        while self.is_open()
            && self
                .steps
                .iter()
                .position(|s| s.state == StepState::Active)
                .is_some_and(|n| n <= target)
        {
            self.advance(false, None, now);
        }
    }

    /// Notes a failure that may pass and plans the next try; fails for good after [`MOST_ATTEMPTS`].
    pub fn retry_later(&mut self, reason: &str, now: Timestamp) {
        self.attempts += 1;
        if self.attempts >= MOST_ATTEMPTS {
            self.fail(
                reason,
                Some("it was tried several times; ask again when the cause is gone"),
                now,
            );
            return;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.attempts - 1).min(16)).min(LONGEST_PAUSE);
        self.reason = Some(reason.to_owned());
        self.not_before = Some(now.plus(pause));
    }

    /// Waits without counting a failure: the remote is at work.
    pub fn wait_until(&mut self, at: Timestamp, detail: &str) {
        self.not_before = Some(at);
        self.reason = Some(detail.to_owned());
    }

    /// Ends it without success.
    pub fn fail(&mut self, reason: &str, hint: Option<&str>, now: Timestamp) {
        self.end(OperationState::Failed, reason, now);
        self.hint = hint.map(str::to_owned);
    }

    /// Ends it because a later wish replaces it.
    pub fn cancel(&mut self, reason: &str, now: Timestamp) {
        self.end(OperationState::Canceled, reason, now);
    }

    fn end(&mut self, state: OperationState, reason: &str, now: Timestamp) {
        if let Some(nth) = self.steps.iter().position(|s| s.state == StepState::Active) {
            self.mark(nth, StepState::Failed, Some(reason.to_owned()), now);
        }
        self.state = state;
        self.reason = Some(reason.to_owned());
        self.not_before = None;
        self.ended_at = Some(now);
    }

    fn mark(&mut self, nth: usize, state: StepState, detail: Option<String>, now: Timestamp) {
        if let Some(step) = self.steps.get_mut(nth) {
            step.state = state;
            step.at = Some(now);
            step.detail = detail;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ActorKind;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn begun(kind: OperationKind) -> Operation {
        let by = Author { kind: ActorKind::Person, name: "ada".to_owned() };
        Operation::begin(OperationId::new(uuid::Uuid::nil()), kind, by, NOW)
    }

    #[test]
    fn an_operation_ends_after_its_last_step() {
        let mut operation = begun(OperationKind::Stop);
        assert_eq!(operation.step(), Some("stop"));

        operation.advance(false, None, NOW);
        assert_eq!(operation.step(), Some("stopped"));
        operation.advance(false, None, NOW);

        assert_eq!(operation.state, OperationState::Succeeded);
        assert_eq!(operation.ended_at, Some(NOW));
    }

    #[test]
    fn reaching_a_step_ends_those_before_it_and_is_harmless_twice() {
        let mut operation = begun(OperationKind::Start);

        operation.reach("running", NOW);
        operation.reach("running", NOW);

        assert_eq!(operation.step(), Some("service"));
    }

    #[test]
    fn pauses_grow_and_the_last_attempt_fails() {
        let mut operation = begun(OperationKind::Create);
        let mut pauses = Vec::new();

        for _ in 1..MOST_ATTEMPTS {
            operation.retry_later("no capacity", NOW);
            pauses.push(operation.not_before.unwrap().since(NOW).as_secs());
        }
        operation.retry_later("no capacity", NOW);

        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300]);
        assert_eq!(operation.state, OperationState::Failed);
        assert_eq!(operation.reason.as_deref(), Some("no capacity"));
    }
}
