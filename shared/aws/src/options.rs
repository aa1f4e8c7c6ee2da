//! What can be set about the way to AWS; credentials and endpoints are AWS's own business.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ccm_domain::{Account, Region};

/// Which accounts and regions, and how patiently.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Regions; empty takes the one of the environment or profile.
    pub regions: Vec<Region>,
    /// Roles to assume, one an account; empty stays in the account of the credentials.
    pub roles: Vec<Role>,
    /// Attempts of one request, 1 for no retries. The SDK waits between them and adds jitter.
    pub attempts: u32,
    /// Until a connection is there.
    pub connect_timeout: Duration,
    /// Until one attempt is answered.
    pub attempt_timeout: Duration,
    /// Until a request is given up, all attempts and waits included.
    pub request_timeout: Duration,
    /// Requests a second for each account, region and API; about half of what AWS grants leaves room for
    /// the console and other tools, which draw on the same allowance.
    pub requests_per_second: f64,
    /// Instances in one page of a sweep, 5 to 1000.
    pub page: i32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            regions: Vec::new(),
            roles: Vec::new(),
            attempts: 3,
            connect_timeout: Duration::from_secs(3),
            attempt_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_secs(60),
            requests_per_second: 10.0,
            page: 1_000,
        }
    }
}

/// A role in another account.
#[derive(Clone, PartialEq, Eq)]
pub struct Role {
    arn: String,
    account: Account,
    external_id: Option<String>,
}

/// The text is no ARN of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a role such as arn:aws:iam::123456789012:role/ccm")]
pub struct InvalidRole;

impl Role {
    /// Returns the role with the external id that its trust policy asks for.
    #[must_use]
    pub fn with_external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// Returns the account that the role is in.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    pub(crate) fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = s.splitn(6, ':').collect();
        // The partition is `aws`, `aws-cn` or `aws-us-gov`.
        let ["arn", partition, "iam", "", account, role] = parts.as_slice() else {
            return Err(InvalidRole);
        };
        let is_role = role.strip_prefix("role/").is_some_and(|name| !name.is_empty());
        if !partition.starts_with("aws") || !is_role || *account == "self" {
            return Err(InvalidRole);
        }
        let account = account.parse().map_err(|_| InvalidRole)?;
        Ok(Self { arn: s.to_owned(), account, external_id: None })
    }
}

impl fmt::Debug for Role {
    /// The external id is shared between two parties; it stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Role")
            .field("arn", &self.arn)
            .field("external_id", &self.external_id.as_ref().map(|_| "…"))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_names_its_account_and_hides_its_external_id() {
        let role: Role = "arn:aws-us-gov:iam::210987654321:role/path/ccm".parse().unwrap();
        let role = role.with_external_id("hush");

        assert_eq!(role.account().as_str(), "210987654321");
        assert!(!format!("{role:?}").contains("hush"), "{role:?}");
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for bad in [
            "",
            "ccm",
            "arn:aws:iam::210987654321:user/ccm",
            "arn:aws:iam::210987654321:role/",
            "arn:aws:iam::21098765:role/ccm",
            "arn:aws:iam::self:role/ccm",
            "arn:aws:s3:::bucket",
        ] {
            assert_eq!(bad.parse::<Role>(), Err(InvalidRole), "{bad}");
        }
    }
}
