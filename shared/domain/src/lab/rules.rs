//! CML's order rules: what may be done with a lab in which state, and what to do when it may not.

use serde::{Deserialize, Serialize};

use super::Lab;
use crate::DomainError;
use crate::cml::{LabAction, LabState};

/// Every action, in the order of a lab's life.
const ACTIONS: [LabAction; 4] =
    [LabAction::Start, LabAction::Stop, LabAction::Wipe, LabAction::Delete];

/// How a wish is answered that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It will be done.
    Accepted,
    /// The same is under way; nothing is added.
    AlreadyAsked,
    /// The lab is so; nothing is to be done.
    AlreadySo,
}

impl Lab {
    /// Says whether something may be done with it now.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] with the rule and the next step.
    pub fn may(&self, kind: LabAction) -> Result<Answer, DomainError> {
        if self.removed_at.is_some() {
            return refuse("lab_removed", "the lab is gone; import its file to have it again");
        }
        if let Some(open) = self.open_action() {
            return if open.kind == kind {
                Ok(Answer::AlreadyAsked)
            } else {
                let detail = format!(
                    "'{}' is under way since {}; wait until it has ended",
                    word(open.kind),
                    open.asked_at
                );
                Err(DomainError::not_possible("lab_busy", detail))
            };
        }
        self.order_rule(kind)
    }

    /// Returns what may be done with it now, without what is so already.
    #[must_use]
    pub fn allowed(&self) -> Vec<LabAction> {
        ACTIONS.into_iter().filter(|kind| self.may(*kind) == Ok(Answer::Accepted)).collect()
    }

    fn order_rule(&self, kind: LabAction) -> Result<Answer, DomainError> {
        use LabAction as A;
        use LabState as S;
        match (kind, self.seen.state) {
            (A::Start, S::Started) if self.every_node_is_up() => Ok(Answer::AlreadySo),
            (A::Start, S::DefinedOnCore | S::Started | S::Stopped | S::Unknown)
            | (A::Stop, S::Started | S::Unknown)
            | (A::Wipe, S::Stopped)
            | (A::Delete, S::DefinedOnCore) => Ok(Answer::Accepted),
            (A::Stop, S::DefinedOnCore | S::Stopped) | (A::Wipe, S::DefinedOnCore) => {
                Ok(Answer::AlreadySo)
            }
            (A::Wipe, S::Started) => refuse(
                "lab_not_stopped",
                "the lab runs, and a wipe throws its disks away; stop it first, then wipe it",
            ),
            (A::Delete, S::Started) => {
                refuse("lab_not_stopped", "the lab runs; stop it, wipe it, then delete it")
            }
            (A::Delete, S::Stopped) => refuse(
                "lab_not_wiped",
                "the lab still holds its nodes' disks; wipe it first, then delete it",
            ),
            (A::Wipe | A::Delete, S::Unknown) => refuse(
                "lab_state_unknown",
                "the controller shows a state that is not known here; refresh the lab and try again",
            ),
        }
    }

    fn every_node_is_up(&self) -> bool {
        self.seen
            .nodes
            .iter()
            .all(|node| matches!(node.state.as_str(), "BOOTED" | "STARTED" | "QUEUED"))
    }
}

fn refuse(code: &'static str, detail: &str) -> Result<Answer, DomainError> {
    Err(DomainError::not_possible(code, detail))
}

const fn word(kind: LabAction) -> &'static str {
    match kind {
        LabAction::Start => "start",
        LabAction::Stop => "stop",
        LabAction::Wipe => "wipe",
        LabAction::Delete => "delete",
    }
}
