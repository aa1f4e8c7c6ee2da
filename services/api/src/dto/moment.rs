//! Moments and people, which occur everywhere.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A moment, RFC 3339 in UTC with `Z`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
pub struct Moment(pub String);

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Author {
    /// `person`, `token`, `job`, `policy` or `external`.
    pub kind: String,
    /// Login name, token name, job name.
    pub name: String,
}
