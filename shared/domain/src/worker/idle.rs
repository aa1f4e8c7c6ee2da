//! The idle decision about a worker: which of its facts go into it.

use super::{Service, Worker, WorkerState};
use crate::settings::IdleSettings;
use crate::{Activity, Author, IDLE_TAG, IdleInputs, IdleVerdict, OperationId, Timestamp, Verdict};

impl Worker {
    /// Decides about idleness with this knowledge of activity.
    #[must_use]
    pub fn judge_idle(
        &self,
        activity: &Activity,
        settings: &IdleSettings,
        now: Timestamp,
    ) -> IdleVerdict {
        let running = self.status.state == WorkerState::Running;
        IdleInputs {
            running,
            ready: self.status.service == Service::Available,
            running_since: running.then_some(self.status.state_since),
            created_at: self.created_at,
            resumed_at: self.status.power.resumed.as_ref().map(|change| change.at),
            extended_until: self.spec.extended_until,
            snoozed_until: None,
            activity,
            worker: &self.spec.idle,
            tag: self.status.tags.get(IDLE_TAG).map(String::as_str),
            settings,
            now,
        }
        .decide()
    }

    /// Asks for a stop when the last decision says that the worker is idle; returns whether it did.
    ///
    /// An open operation is left alone: somebody is at work on this worker.
    pub fn pause_if_idle(&mut self, op: OperationId, policy: Author, now: Timestamp) -> bool {
        let idle = self.status.idle.as_ref().is_some_and(|v| v.verdict == Verdict::Idle);
        let free = self.open_power().is_none() && self.open_license().is_none();
        if !(idle && free && self.status.state == WorkerState::Running) {
            return false;
        }
        self.request_stop(op, policy, now).is_ok()
    }
}
