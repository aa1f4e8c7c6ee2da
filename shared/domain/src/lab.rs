//! A lab on a worker: what its controller last showed, and what somebody asked to be done with it.
//!
//! ```text
//!            start            stop             wipe              delete
//! (imported) ────► started ────────► stopped ──────► defined_on_core ──────► removed
//! ```
//!
//! **Invariants:** looking again without a change tells nothing; at most one action is under way.

use serde::{Deserialize, Serialize};

use crate::cml::{LabAction, LabSeen, LabState};
use crate::{Author, DomainError, LabId, OperationId, Timestamp, WorkerId};

mod rules;
mod view;

pub use rules::Answer;
pub use view::LabView;

/// How many states a lab remembers.
pub const HISTORY: usize = 50;

/// What happened to a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabFact {
    /// It was seen for the first time, or again after it was gone.
    Created,
    /// Its state, title, nodes or anything else that people see changed.
    Changed {
        /// The state before.
        from: LabState,
    },
    /// The controller does not show it any more, or its worker was forgotten.
    Removed,
    /// An action was asked for, began, or ended.
    ActionChanged,
}

/// How far an action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// Asked for.
    Requested,
    /// Told to the controller, which works on it.
    Running,
    /// Done.
    Done,
    /// It did not work; the reason says why.
    Failed,
}

/// Something that was asked to be done with a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAction {
    /// The command that carries it out.
    pub command: OperationId,
    /// What to do.
    pub kind: LabAction,
    /// How far it is.
    pub state: ActionState,
    /// Who asked.
    pub asked_by: Author,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A state and when it was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabMoment {
    /// The state.
    pub state: LabState,
    /// When it was first seen.
    pub at: Timestamp,
}

/// A lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// Whose lab it is.
    pub worker: WorkerId,
    /// CML's id, unique on its controller only.
    pub id: LabId,
    /// Grows with every write.
    pub rev: u64,
    /// What the controller last showed, nodes and links in a stable order.
    pub seen: LabSeen,
    /// The action under way, else the last one.
    #[serde(default)]
    pub action: Option<PendingAction>,
    /// States, oldest first, at most [`HISTORY`].
    #[serde(default)]
    pub history: Vec<LabMoment>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// When it was found to be gone.
    #[serde(default)]
    pub removed_at: Option<Timestamp>,
    /// Its file, saved before its worker was terminated.
    #[serde(default)]
    pub saved_yaml: Option<String>,
    #[serde(skip)]
    facts: Vec<LabFact>,
}

impl Lab {
    /// Takes in a lab that was never seen before.
    #[must_use]
    pub fn new(worker: WorkerId, seen: LabSeen, now: Timestamp) -> Self {
        let seen = in_order(seen);
        Self {
            worker,
            id: seen.id.clone(),
            rev: 1,
            action: None,
            history: vec![LabMoment { state: seen.state, at: now }],
            seen,
            first_seen_at: now,
            seen_at: now,
            removed_at: None,
            saved_yaml: None,
            facts: vec![LabFact::Created],
        }
    }

    /// Takes in another look at it; says whether anything changed that people see.
    pub fn observe(&mut self, seen: &LabSeen, now: Timestamp) -> bool {
        let seen = in_order(seen.clone());
        let from = self.seen.state;
        let returned = self.removed_at.take().is_some();
        let changed = seen != self.seen;
        self.seen_at = self.seen_at.max(now);
        if seen.state != from || returned {
            self.history.push(LabMoment { state: seen.state, at: now });
            let surplus = self.history.len().saturating_sub(HISTORY);
            self.history.drain(..surplus);
        }
        self.seen = seen;
        if returned {
            self.tell(LabFact::Created);
        } else if changed {
            self.tell(LabFact::Changed { from });
        }
        returned || changed
    }

    /// Records that the controller does not show it any more; says whether that is news.
    pub fn vanish(&mut self, now: Timestamp) -> bool {
        if self.removed_at.is_some() {
            return false;
        }
        self.removed_at = Some(now);
        if let Some(action) = self.open_action_mut() {
            if action.kind == LabAction::Delete {
                action.state = ActionState::Done;
            } else {
                action.state = ActionState::Failed;
                action.reason = Some("the lab is gone".to_owned());
            }
            action.ended_at = Some(now);
            self.tell(LabFact::ActionChanged);
        }
        self.tell(LabFact::Removed);
        true
    }

    /// Records that somebody wants something done with it, if CML's order rules allow it.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] with the rule and the next step.
    pub fn request(
        &mut self,
        command: OperationId,
        kind: LabAction,
        by: &Author,
        now: Timestamp,
    ) -> Result<Answer, DomainError> {
        let answer = self.may(kind)?;
        if answer == Answer::Accepted {
            self.action = Some(PendingAction {
                command,
                kind,
                state: ActionState::Requested,
                asked_by: by.clone(),
                asked_at: now,
                ended_at: None,
                reason: None,
            });
            self.tell(LabFact::ActionChanged);
        }
        Ok(answer)
    }

    /// Records that the controller was told; says whether this command's action was waiting for it.
    pub fn action_began(&mut self, command: OperationId) -> bool {
        self.move_action(command, ActionState::Running, None, None)
    }

    /// Records that it is done; says whether this command's action was open.
    pub fn action_done(&mut self, command: OperationId, now: Timestamp) -> bool {
        self.move_action(command, ActionState::Done, None, Some(now))
    }

    /// Records that it failed; says whether this command's action was open.
    pub fn action_failed(&mut self, command: OperationId, reason: &str, now: Timestamp) -> bool {
        self.move_action(command, ActionState::Failed, Some(reason.to_owned()), Some(now))
    }

    /// Keeps the lab's file.
    pub fn save(&mut self, yaml: String) {
        self.saved_yaml = Some(yaml);
    }

    /// Returns the action under way.
    #[must_use]
    pub fn open_action(&self) -> Option<&PendingAction> {
        self.action.as_ref().filter(|action| action.state.is_open())
    }

    /// Returns what happened since the last write and forgets it.
    pub fn take_facts(&mut self) -> Vec<LabFact> {
        std::mem::take(&mut self.facts)
    }

    /// Whether something happened since the last write.
    #[must_use]
    pub fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    fn open_action_mut(&mut self) -> Option<&mut PendingAction> {
        self.action.as_mut().filter(|action| action.state.is_open())
    }

    fn move_action(
        &mut self,
        command: OperationId,
        state: ActionState,
        reason: Option<String>,
        ended_at: Option<Timestamp>,
    ) -> bool {
        let Some(action) = self.open_action_mut().filter(|action| action.command == command) else {
            return false;
        };
        if action.state != state {
            action.state = state;
            action.reason = reason;
            action.ended_at = ended_at;
            self.tell(LabFact::ActionChanged);
        }
        true
    }

    fn tell(&mut self, fact: LabFact) {
        if !self.facts.contains(&fact) {
            self.facts.push(fact);
        }
    }
}

impl ActionState {
    /// Whether it is still to be carried out.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Requested | Self::Running => true,
            Self::Done | Self::Failed => false,
        }
    }
}

/// Controllers list nodes and links in no order that lasts; without one every look would be a change.
fn in_order(mut seen: LabSeen) -> LabSeen {
    seen.nodes.sort_by(|a, b| a.id.cmp(&b.id));
    seen.links.sort_by(|a, b| (&a.a, &a.b).cmp(&(&b.a, &b.b)));
    seen
}

#[cfg(test)]
mod tests;
