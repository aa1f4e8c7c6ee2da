//! `[aws]` and `[cml]`: how the world outside is reached.

use std::path::PathBuf;

use ccm_config::Secret;
use serde::Deserialize;

/// `[aws]`: where to look. Credentials and endpoints come from AWS's own variables, profiles and roles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsSection {
    /// Regions; empty takes the one of the environment or profile.
    pub regions: Vec<String>,
    /// Roles to assume in other accounts; empty stays in the account of the credentials.
    pub accounts: Vec<AccountSection>,
}

/// An entry of `aws.accounts`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSection {
    /// ARN of the role to assume.
    pub role_arn: String,
    /// External id that its trust policy asks for.
    pub external_id: Option<Secret>,
}

/// `[cml]`: how controllers are reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CmlSection {
    /// Address, with `{public_ip}`, `{private_ip}`, `{instance_id}` and `{region}`.
    pub endpoint: String,
    /// User name of every controller.
    pub username: String,
    /// Its password.
    pub password: Option<Secret>,
    /// PEM file of authorities or pinned certificates; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Whether certificates are verified.
    pub verify_tls: bool,
}

impl AwsSection {
    /// Returns what is wrong, one sentence each.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let parsed = |region: &&String| region.parse::<ccm_domain::Region>().is_err();
        let wrong = self.regions.iter().filter(parsed);
        wrong
            .map(|region| format!("aws.regions: '{region}' is no region such as eu-central-1"))
            .collect()
    }
}

impl CmlSection {
    /// Returns what is wrong, one sentence each.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.endpoint.starts_with("https://") && !self.endpoint.starts_with("http://") {
            faults.push("cml.endpoint must begin with https:// or http://".to_owned());
        }
        let known = ["{public_ip}", "{private_ip}", "{instance_id}", "{region}"];
        let rest = known.iter().fold(self.endpoint.clone(), |text, name| text.replace(name, ""));
        if rest.contains(['{', '}']) {
            faults.push(format!("cml.endpoint knows {} only", known.join(", ")));
        }
        faults
    }

    /// Returns what is legal but risky, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.verify_tls {
            let text =
                "cml.verify_tls is off: whoever is in between can read the controllers' password";
            warnings.push(text.to_owned());
        }
        if self.password.is_none() {
            let text = "cml.password is not set: controllers are probed, but labs, load and licences are not read";
            warnings.push(text.to_owned());
        }
        warnings
    }
}
