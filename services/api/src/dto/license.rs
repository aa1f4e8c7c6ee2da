//! Licences.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::Moment;

/// One licensed feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LicenseFeature {
    /// CML's id.
    pub id: String,
    /// Readable name.
    pub name: String,
    /// How many are asked for.
    pub in_use: u32,
    /// Status in CML's words.
    pub status: String,
}

/// A worker's licence as last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct License {
    /// `unknown`, `unregistered`, `registering`, `registered`, `evaluation`, `out_of_compliance` or `failed`.
    pub status: String,
    /// Product licence.
    pub product: Option<String>,
    /// Whether the authorization is in compliance.
    pub in_compliance: Option<bool>,
    /// When the registration was first seen complete.
    pub registered_at: Option<Moment>,
    /// When it ends.
    pub expires_at: Option<Moment>,
    /// Licensed features.
    pub features: Vec<LicenseFeature>,
    /// Why it failed or was lost.
    pub reason: Option<String>,
    /// When the controller was last asked.
    pub seen_at: Option<Moment>,
}

/// Asks for a licence to be registered.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterLicense {
    /// The registration token; it is kept nowhere but in the secret store, until the operation has ended.
    #[schema(value_type = String, format = Password)]
    pub token: SecretString,
    /// Register again although registered.
    #[serde(default)]
    pub reregister: bool,
}
