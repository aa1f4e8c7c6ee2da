//! A worker's licence as it was last seen, and how far a registration has come.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::cml::{Compliance, LicenseFeature, LicenseSeen, Registration};

/// Where a worker's licence stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseState {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// No licence.
    Unregistered,
    /// A registration is under way.
    Registering,
    /// Registered and in compliance.
    Registered,
    /// The evaluation period runs.
    Evaluation,
    /// Registered, but more is in use than was bought, or the authorization has expired.
    OutOfCompliance,
    /// The last registration failed; the reason stands beside it.
    Failed,
}

/// A worker's licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct License {
    /// Where it stands.
    pub status: LicenseState,
    /// Product licence, such as `CML_Enterprise`.
    pub product: Option<String>,
    /// Whether the authorization is in compliance; `None` while that is unknown.
    pub in_compliance: Option<bool>,
    /// When the registration was first seen complete.
    pub registered_at: Option<Timestamp>,
    /// When the registration ends.
    pub expires_at: Option<Timestamp>,
    /// Licensed features.
    pub features: Vec<LicenseFeature>,
    /// Why it failed or was lost.
    pub reason: Option<String>,
    /// When the controller was last asked.
    pub seen_at: Option<Timestamp>,
}

impl License {
    /// Merges what the controller says; returns whether anything but `seen_at` changed.
    pub fn observe(&mut self, seen: &LicenseSeen, now: Timestamp) -> bool {
        let before = self.clone();
        self.status = state_of(seen);
        self.product.clone_from(&seen.product);
        self.in_compliance = match seen.compliance {
            Compliance::InCompliance => Some(true),
            Compliance::OutOfCompliance => Some(false),
            Compliance::Init | Compliance::Evaluation | Compliance::Other => None,
        };
        self.expires_at = seen.expires_at;
        self.features.clone_from(&seen.features);
        self.reason.clone_from(&seen.reason);
        if seen.registration == Registration::Completed {
            self.registered_at = self.registered_at.or(Some(now));
        } else {
            if before.registered_at.is_some() && self.reason.is_none() && !self.is_moving() {
                self.reason = Some("the controller is not registered any more".to_owned());
            }
            self.registered_at = None;
        }
        self.seen_at = before.seen_at;
        let changed = *self != before;
        self.seen_at = Some(now);
        changed
    }

    /// Whether a seat at the licence server is taken, so that the worker must be deregistered before it goes.
    #[must_use]
    pub const fn holds_seat(&self) -> bool {
        match self.status {
            LicenseState::Registering
            | LicenseState::Registered
            | LicenseState::OutOfCompliance => true,
            LicenseState::Unknown
            | LicenseState::Unregistered
            | LicenseState::Evaluation
            | LicenseState::Failed => false,
        }
    }

    fn is_moving(&self) -> bool {
        self.status == LicenseState::Registering
    }
}

const fn state_of(seen: &LicenseSeen) -> LicenseState {
    match (seen.registration, seen.compliance) {
        (Registration::Completed, Compliance::InCompliance) => LicenseState::Registered,
        (Registration::Completed, Compliance::Init | Compliance::Evaluation)
        | (Registration::InProgress, _) => LicenseState::Registering,
        (Registration::Completed, Compliance::OutOfCompliance | Compliance::Other) => {
            LicenseState::OutOfCompliance
        }
        (Registration::Failed, _) => LicenseState::Failed,
        (Registration::NotRegistered, Compliance::Evaluation) => LicenseState::Evaluation,
        (Registration::NotRegistered, _) => LicenseState::Unregistered,
        (Registration::Unknown, _) => LicenseState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(registration: Registration, compliance: Compliance) -> LicenseSeen {
        LicenseSeen {
            registration,
            reason: None,
            compliance,
            product: Some("CML_Enterprise".to_owned()),
            expires_at: None,
            features: Vec::new(),
        }
    }

    #[test]
    fn a_registration_counts_only_when_it_is_in_compliance() {
        use LicenseState as L;
        for (registration, compliance, expected) in [
            (Registration::NotRegistered, Compliance::Init, L::Unregistered),
            (Registration::NotRegistered, Compliance::Evaluation, L::Evaluation),
            (Registration::InProgress, Compliance::Init, L::Registering),
            (Registration::Completed, Compliance::Init, L::Registering),
            (Registration::Completed, Compliance::InCompliance, L::Registered),
            (Registration::Completed, Compliance::OutOfCompliance, L::OutOfCompliance),
            (Registration::Failed, Compliance::Init, L::Failed),
            (Registration::Unknown, Compliance::InCompliance, L::Unknown),
        ] {
            let mut license = License::default();
            license.observe(&seen(registration, compliance), Timestamp::from_millis(1));
            assert_eq!(license.status, expected, "{registration:?} {compliance:?}");
        }
    }

    #[test]
    fn a_registration_lost_outside_is_noticed_with_a_reason() {
        let mut license = License::default();
        license.observe(
            &seen(Registration::Completed, Compliance::InCompliance),
            Timestamp::from_millis(1),
        );

        let changed = license.observe(
            &seen(Registration::NotRegistered, Compliance::Init),
            Timestamp::from_millis(2),
        );

        assert!(changed);
        assert_eq!(license.status, LicenseState::Unregistered);
        assert_eq!(license.reason.as_deref(), Some("the controller is not registered any more"));
    }

    #[test]
    fn seeing_the_same_again_is_no_change() {
        let mut license = License::default();
        let done = seen(Registration::Completed, Compliance::InCompliance);
        license.observe(&done, Timestamp::from_millis(1));

        assert!(!license.observe(&done, Timestamp::from_millis(2)));
        assert_eq!(license.seen_at, Some(Timestamp::from_millis(2)));
    }
}
