//! Who calls, and which service in which region: read from the signature, which is not verified.

use axum::http::{HeaderMap, StatusCode, header};
use ccm_domain::{Account, Region, Scope};
use ccm_testkit::cloud::OWN_ACCOUNT;

use crate::refusal::Refusal;

/// Access keys of assumed roles start so; the account's twelve digits follow.
const ASSUMED: &str = "ASIASIM0";

/// What the credential scope of a signed request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Account of the access key, and the region.
    pub(crate) scope: Scope,
    /// `ec2`, `sts` or `monitoring`.
    pub(crate) service: String,
}

impl Caller {
    /// Reads `Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        read(headers).ok_or_else(|| {
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            )
        })
    }
}

/// Returns the access key under which an assumed role's calls come.
pub(crate) fn assumed_key(account: &Account) -> String {
    format!("{ASSUMED}{account}")
}

fn read(headers: &HeaderMap) -> Option<Caller> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let credential = text.strip_prefix("AWS4-HMAC-SHA256 ")?.split_once("Credential=")?.1;
    let mut parts = credential.split([',', ' ']).next()?.split('/');
    let (key, _date, region, service) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let account = key.strip_prefix(ASSUMED).unwrap_or(OWN_ACCOUNT).parse().ok()?;
    let region: Region = region.parse().ok()?;
    Some(Caller { scope: Scope { account, region }, service: service.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(credential: &str) -> Result<Caller, Refusal> {
        let text =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        Caller::of(&HeaderMap::from_iter([(header::AUTHORIZATION, text.parse().unwrap())]))
    }

    #[test]
    fn the_credential_scope_tells_account_region_and_service() {
        let own = signed("AKIDEXAMPLE/20260101/eu-central-1/ec2/aws4_request").unwrap();
        let assumed = assumed_key(&"210987654321".parse().unwrap());
        let other =
            signed(&format!("{assumed}/20260101/us-east-1/monitoring/aws4_request")).unwrap();

        assert_eq!(own.scope.to_string(), "123456789012/eu-central-1");
        assert_eq!(own.service, "ec2");
        assert_eq!(other.scope.to_string(), "210987654321/us-east-1");
        assert_eq!(other.service, "monitoring");
    }

    #[test]
    fn an_unsigned_call_is_an_authentication_failure() {
        let refused = Caller::of(&HeaderMap::new()).unwrap_err();

        assert_eq!(
            (refused.status, refused.code.as_str()),
            (StatusCode::UNAUTHORIZED, "AuthFailure")
        );
    }
}
