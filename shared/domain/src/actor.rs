//! Who asks, and what they may do.
//!
//! **Invariant:** default deny. What a role may do stands in one table, [`Role::may`], and nowhere else.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of thing acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Somebody who logged in.
    Person,
    /// A program with an API token.
    Token,
    /// One of our own jobs.
    Job,
    /// A rule that acts by itself, such as the idle policy.
    Policy,
    /// Something outside of us, such as a person at the AWS console.
    External,
}

/// A named bundle of permissions; each holds all that the one before it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also runs what is there.
    Operator,
    /// Also makes, removes, pays and configures.
    Admin,
}

/// One kind of action that somebody may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See workers, labs, runs, settings, events.
    Read,
    /// Start and stop workers.
    ControlPower,
    /// Move a worker's idle deadline.
    ExtendIdle,
    /// Ask for a look at a worker or its labs now.
    Refresh,
    /// Import, download, start, stop, wipe and delete labs.
    ControlLabs,
    /// Change a worker's name, type, tags, idle policy, monitoring, endpoint.
    EditWorkers,
    /// Launch new instances.
    CreateWorkers,
    /// Take existing instances into the fleet.
    ImportWorkers,
    /// Terminate instances.
    TerminateWorkers,
    /// Forget workers.
    RemoveWorkers,
    /// Register and deregister licences.
    ControlLicenses,
    /// Change fleet-wide settings.
    ChangeSettings,
    /// Change, pause and trigger schedules; requeue runs.
    ControlSchedules,
    /// See and control where events are sent outside.
    ControlSinks,
    /// Make and revoke API tokens.
    IssueTokens,
    /// End other people's event streams.
    EndStreams,
    /// Read who did what.
    ReadAudit,
}

/// The actor has no role that allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("needs the permission {permission}, which {} has", permission.least_role())]
pub struct Forbidden {
    /// What is missing.
    pub permission: Permission,
}

/// Who asks, as far as it matters afterwards: the form that documents and events keep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Author {
    /// What kind of thing it is.
    pub kind: ActorKind,
    /// A name that people know it by: login name, token name, job name.
    pub name: String,
}

/// Who asks, with the roles they have at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Login name, token name, job name.
    pub name: String,
    /// What kind of thing it is.
    pub kind: ActorKind,
    /// Roles; none means that nothing is allowed.
    pub roles: BTreeSet<Role>,
}

impl Role {
    /// All roles, weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Says whether the role allows it: the one table.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Viewer => matches!(permission, P::Read),
            Self::Operator => matches!(
                permission,
                P::Read | P::ControlPower | P::ExtendIdle | P::Refresh | P::ControlLabs
            ),
            Self::Admin => true,
        }
    }

    /// Returns the wire word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 17] = [
        Self::Read,
        Self::ControlPower,
        Self::ExtendIdle,
        Self::Refresh,
        Self::ControlLabs,
        Self::EditWorkers,
        Self::CreateWorkers,
        Self::ImportWorkers,
        Self::TerminateWorkers,
        Self::RemoveWorkers,
        Self::ControlLicenses,
        Self::ChangeSettings,
        Self::ControlSchedules,
        Self::ControlSinks,
        Self::IssueTokens,
        Self::EndStreams,
        Self::ReadAudit,
    ];

    /// Returns the wire word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ControlPower => "control_power",
            Self::ExtendIdle => "extend_idle",
            Self::Refresh => "refresh",
            Self::ControlLabs => "control_labs",
            Self::EditWorkers => "edit_workers",
            Self::CreateWorkers => "create_workers",
            Self::ImportWorkers => "import_workers",
            Self::TerminateWorkers => "terminate_workers",
            Self::RemoveWorkers => "remove_workers",
            Self::ControlLicenses => "control_licenses",
            Self::ChangeSettings => "change_settings",
            Self::ControlSchedules => "control_schedules",
            Self::ControlSinks => "control_sinks",
            Self::IssueTokens => "issue_tokens",
            Self::EndStreams => "end_streams",
            Self::ReadAudit => "read_audit",
        }
    }

    /// Returns the weakest role that allows it.
    #[must_use]
    pub fn least_role(self) -> Role {
        Role::ALL.into_iter().find(|role| role.may(self)).unwrap_or(Role::Admin)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Author {
    /// The author of what was done outside of us.
    #[must_use]
    pub fn external(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::External, name: name.into() }
    }

    /// The author of what one of our rules did.
    #[must_use]
    pub fn policy(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Policy, name: name.into() }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Actor {
    /// Somebody with these roles.
    #[must_use]
    pub fn new(
        kind: ActorKind,
        name: impl Into<String>,
        roles: impl IntoIterator<Item = Role>,
    ) -> Self {
        Self { name: name.into(), kind, roles: roles.into_iter().collect() }
    }

    /// One of our own jobs, which may do everything.
    #[must_use]
    pub fn system(name: impl Into<String>) -> Self {
        Self::new(ActorKind::Job, name, [Role::Admin])
    }

    /// A rule of ours that runs what is there, such as the idle policy.
    #[must_use]
    pub fn policy(name: impl Into<String>) -> Self {
        Self::new(ActorKind::Policy, name, [Role::Operator])
    }

    /// Says whether any role allows it.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|role| role.may(permission))
    }

    /// Insists on a permission.
    ///
    /// # Errors
    /// [`Forbidden`] when no role allows it.
    pub fn must(&self, permission: Permission) -> Result<(), Forbidden> {
        if self.may(permission) { Ok(()) } else { Err(Forbidden { permission }) }
    }

    /// Returns the form that is kept: who, without what they might do.
    #[must_use]
    pub fn author(&self) -> Author {
        Author { kind: self.kind, name: self.name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (permission, viewer, operator, admin): the product's promise, written out a second time.
    const PROMISE: [(Permission, [bool; 3]); 17] = [
        (Permission::Read, [true, true, true]),
        (Permission::ControlPower, [false, true, true]),
        (Permission::ExtendIdle, [false, true, true]),
        (Permission::Refresh, [false, true, true]),
        (Permission::ControlLabs, [false, true, true]),
        (Permission::EditWorkers, [false, false, true]),
        (Permission::CreateWorkers, [false, false, true]),
        (Permission::ImportWorkers, [false, false, true]),
        (Permission::TerminateWorkers, [false, false, true]),
        (Permission::RemoveWorkers, [false, false, true]),
        (Permission::ControlLicenses, [false, false, true]),
        (Permission::ChangeSettings, [false, false, true]),
        (Permission::ControlSchedules, [false, false, true]),
        (Permission::ControlSinks, [false, false, true]),
        (Permission::IssueTokens, [false, false, true]),
        (Permission::EndStreams, [false, false, true]),
        (Permission::ReadAudit, [false, false, true]),
    ];

    #[test]
    fn each_role_may_do_exactly_what_the_product_says() {
        assert_eq!(PROMISE.map(|(permission, _)| permission), Permission::ALL);
        for (permission, expected) in PROMISE {
            assert_eq!(Role::ALL.map(|role| role.may(permission)), expected, "{permission}");
        }
    }

    #[test]
    fn who_has_no_role_may_do_nothing() {
        let nobody = Actor::new(ActorKind::Person, "eve", []);
        for permission in Permission::ALL {
            assert_eq!(nobody.must(permission), Err(Forbidden { permission }));
        }
    }

    #[test]
    fn jobs_may_do_everything_and_policies_only_run_what_is_there() {
        assert!(Permission::ALL.into_iter().all(|p| Actor::system("prune").may(p)));
        assert!(Actor::policy("idle").may(Permission::ControlPower));
        assert!(!Actor::policy("idle").may(Permission::TerminateWorkers));
    }

    #[test]
    fn words_on_the_wire_are_the_words_in_texts() {
        for permission in Permission::ALL {
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.as_str());
        }
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
    }
}
