//! Who is signed in.

use ccm_domain::{Actor, ActorKind, Permission, Role, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::Moment;

/// A person or a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Login name.
    pub name: String,
    /// `person` or `token`.
    #[schema(value_type = String)]
    pub kind: ActorKind,
}

/// A role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words explain themselves")]
pub enum RoleName {
    Viewer,
    Operator,
    Admin,
}

/// Who is signed in, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Session {
    /// Who.
    pub user: User,
    /// Their strongest role.
    #[schema(value_type = Option<RoleName>)]
    pub role: Option<Role>,
    /// All that they may do.
    #[schema(value_type = Vec<String>)]
    pub permissions: Vec<Permission>,
    /// How they are known: `oidc`, or `dev`.
    pub mode: String,
    /// When the session or token ends; `null` when it does not.
    #[schema(value_type = Option<Moment>)]
    pub expires_at: Option<Timestamp>,
}

impl Session {
    /// Describes an actor.
    #[must_use]
    pub fn of(actor: &Actor, mode: &str, expires_at: Option<Timestamp>) -> Self {
        Self {
            user: User { name: actor.name.clone(), kind: actor.kind },
            role: actor.roles.last().copied(),
            permissions: Permission::ALL.into_iter().filter(|p| actor.may(*p)).collect(),
            mode: mode.to_owned(),
            expires_at,
        }
    }
}
