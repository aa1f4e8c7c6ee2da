//! From what a login server says of somebody to roles of ours: what is not known gives no rights.

use std::collections::BTreeSet;

use ccm_domain::Role;
use serde_json::{Map, Value};

/// Where Keycloak lists roles, and where most others can be told to.
const USUAL: [&str; 2] = ["realm_access.roles", "roles"];

/// Where a token lists roles.
#[derive(Clone, Debug)]
pub(super) struct RolesClaim(Option<String>);

impl RolesClaim {
    /// Takes the configured path; without one, the usual places are looked at.
    pub(super) const fn new(path: Option<String>) -> Self {
        Self(path)
    }

    /// Whether the token says anything about roles.
    pub(super) fn is_in(&self, claims: &Map<String, Value>) -> bool {
        self.value(claims).is_some()
    }

    /// Returns the roles that the token gives.
    pub(super) fn read(&self, claims: &Map<String, Value>) -> BTreeSet<Role> {
        match self.value(claims) {
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).filter_map(role).collect()
            }
            Some(Value::String(names)) => names.split([' ', ',']).filter_map(role).collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                BTreeSet::new()
            }
        }
    }

    fn value<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        match &self.0 {
            Some(path) => find(claims, path),
            None => USUAL.iter().find_map(|path| find(claims, path)),
        }
    }
}

/// The one table of names. The second ones are those of the realm that the product began with.
fn role(name: &str) -> Option<Role> {
    match name {
        "viewer" | "user" => Some(Role::Viewer),
        "operator" | "manager" => Some(Role::Operator),
        "admin" => Some(Role::Admin),
        _ => None,
    }
}

/// Follows a dotted path. Names may hold dots themselves, as `https://example.com/roles` does.
fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(dot, _)| match claims.get(&path[..dot]) {
        Some(Value::Object(inner)) => find(inner, &path[dot + 1..]),
        Some(_) | None => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn roles(path: Option<&str>, claims: &Value) -> Vec<Role> {
        let claim = RolesClaim::new(path.map(str::to_owned));
        claim.read(claims.as_object().unwrap()).into_iter().collect()
    }

    #[test]
    fn names_are_mapped_and_unknown_ones_give_nothing() {
        for (names, expected) in [
            (json!(["viewer"]), vec![Role::Viewer]),
            (json!(["user", "offline_access"]), vec![Role::Viewer]),
            (json!(["manager"]), vec![Role::Operator]),
            (json!(["operator", "admin"]), vec![Role::Operator, Role::Admin]),
            (json!("openid viewer,admin"), vec![Role::Viewer, Role::Admin]),
            (json!(["Admin", "ADMIN", "root", "administrator", "admin ", ""]), vec![]),
            (json!([["admin"], { "admin": true }, 1, null]), vec![]),
            (json!({ "admin": true }), vec![]),
            (json!(true), vec![]),
        ] {
            assert_eq!(roles(None, &json!({ "roles": names })), expected, "{names}");
        }
    }

    #[test]
    fn the_claim_is_found_by_its_path_and_nowhere_else() {
        let claims = json!({
            "roles": ["viewer"],
            "realm_access": { "roles": ["operator"] },
            "resource_access": { "ccm.api": { "roles": ["admin"] } },
            "https://example.com/roles": ["admin"],
        });

        assert_eq!(roles(None, &claims), [Role::Operator]);
        assert_eq!(roles(Some("roles"), &claims), [Role::Viewer]);
        assert_eq!(roles(Some("resource_access.ccm.api.roles"), &claims), [Role::Admin]);
        assert_eq!(roles(Some("https://example.com/roles"), &claims), [Role::Admin]);
        assert_eq!(roles(Some("groups"), &claims), []);
        assert_eq!(roles(Some("roles.admin"), &claims), []);
        assert_eq!(roles(None, &json!({})), []);
    }
}
