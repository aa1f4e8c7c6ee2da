//! Rules that can be broken: each with a stable code word and text that a person can act on.

use serde::{Deserialize, Serialize};

use crate::Permission;
use crate::actor::Forbidden;

/// One field that is out of its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFault {
    /// Which field, as a JSON pointer such as `/idle/timeout_s`.
    pub pointer: String,
    /// What it must be, such as `must be between 300 and 604800`.
    pub detail: String,
}

impl FieldFault {
    /// Names a field and what it must be.
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// What an aggregate or a decision refuses; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// The state of things does not allow it; the text says the rule and the next step.
    #[error("{detail}")]
    NotPossible {
        /// Stable word, such as `lab_not_stopped`.
        code: &'static str,
        /// The rule that stands in the way and what to do, as one or two sentences.
        detail: String,
    },
    /// Fields are out of their bounds; all of them are named at once.
    #[error("{}", join(faults))]
    Invalid {
        /// Every field that is wrong, at least one.
        faults: Vec<FieldFault>,
    },
    /// Somebody else changed it since the caller read it (`If-Match` was lost).
    #[error("somebody else changed it since you read it; read it again and repeat the change")]
    SpecChanged,
    /// The caller has no role that allows it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

impl DomainError {
    /// Refuses because of the state of things.
    #[must_use]
    pub fn not_possible(code: &'static str, detail: impl Into<String>) -> Self {
        Self::NotPossible { code, detail: detail.into() }
    }

    /// Refuses because of one field.
    #[must_use]
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { faults: vec![FieldFault::new(pointer, detail)] }
    }

    /// Refuses when there is any fault.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with all of them.
    pub fn unless_clean(faults: Vec<FieldFault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self::Invalid { faults }) }
    }

    /// Refuses for want of a permission.
    #[must_use]
    pub const fn forbidden(permission: Permission) -> Self {
        Self::Forbidden(Forbidden { permission })
    }

    /// Returns the stable word that scripts may test for.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPossible { code, .. } => code,
            Self::Invalid { .. } => "invalid",
            Self::SpecChanged => "spec_changed",
            Self::Forbidden(_) => "forbidden",
        }
    }
}

fn join(faults: &[FieldFault]) -> String {
    let parts: Vec<String> =
        faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_code_and_a_text_for_people() {
        let table = [
            (
                DomainError::not_possible("lab_not_stopped", "stop the lab first"),
                "lab_not_stopped",
                "stop the lab first",
            ),
            (DomainError::invalid("/a", "must be set"), "invalid", "/a must be set"),
            (
                DomainError::SpecChanged,
                "spec_changed",
                "somebody else changed it since you read it; read it again and repeat the change",
            ),
            (
                DomainError::forbidden(Permission::RemoveWorkers),
                "forbidden",
                "needs the permission remove_workers, which admin has",
            ),
        ];
        for (error, code, text) in table {
            assert_eq!((error.code(), error.to_string().as_str()), (code, text));
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        assert_eq!(DomainError::unless_clean(vec![]), Ok(()));

        let faults = vec![FieldFault::new("/a", "is too big"), FieldFault::new("/b", "is empty")];
        let error = DomainError::unless_clean(faults).unwrap_err();

        assert_eq!(error.to_string(), "/a is too big; /b is empty");
    }
}
