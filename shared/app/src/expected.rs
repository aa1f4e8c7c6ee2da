//! What a caller must have read before it may change something.

use ccm_domain::DomainError;

/// The revisions of what is wanted that a change may build on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    Any,
    /// One of these.
    OneOf(Vec<u64>),
}

impl Expected {
    /// Insists that the present revision is among them.
    ///
    /// # Errors
    /// [`DomainError::SpecChanged`] when somebody else was first.
    pub fn must_hold(&self, present: u64) -> Result<(), DomainError> {
        match self {
            Self::Any => Ok(()),
            Self::OneOf(revs) if revs.contains(&present) => Ok(()),
            Self::OneOf(_) => Err(DomainError::SpecChanged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_revision_that_was_read_may_be_built_on() {
        assert_eq!(Expected::Any.must_hold(7), Ok(()));
        assert_eq!(Expected::OneOf(vec![3, 7]).must_hold(7), Ok(()));
        assert_eq!(Expected::OneOf(vec![3]).must_hold(7), Err(DomainError::SpecChanged));
        assert_eq!(Expected::OneOf(vec![]).must_hold(7), Err(DomainError::SpecChanged));
    }
}
