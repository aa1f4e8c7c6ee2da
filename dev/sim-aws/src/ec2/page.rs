//! Paging: a token names the last thing that was shown, so that pages stay whole while things come and go.

use ccm_domain::InstanceId;
use ccm_testkit::cloud::MachineSeen;

use super::Call;
use crate::refusal::Refusal;

const MARK: &str = "after:";

/// Returns the page that the call asks for and the token of the next one; `machines` are in order of ids.
pub(super) fn page(
    call: &Call<'_>,
    machines: Vec<MachineSeen>,
) -> Result<(Vec<MachineSeen>, Option<String>), Refusal> {
    let size: Option<usize> = call.params.typed("MaxResults")?;
    if size.is_some_and(|size| !(5..=1_000).contains(&size)) {
        return Err(Refusal::bad_request(
            "InvalidParameterValue",
            "Value for parameter maxResults is invalid. Expecting a value between 5 and 1000.",
        ));
    }
    if size.is_some() && !call.params.list("InstanceId").is_empty() {
        return Err(Refusal::bad_request(
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        ));
    }
    let after = call.params.get("NextToken").map(last_shown).transpose()?;
    let mut rest = machines
        .into_iter()
        .filter(|machine| after.as_ref().is_none_or(|after| machine.instance.id > *after));
    let shown: Vec<MachineSeen> = rest.by_ref().take(size.unwrap_or(1_000)).collect();
    let last = shown.last().map(|machine| format!("{MARK}{}", machine.instance.id));
    let token = rest.next().and(last);
    Ok((shown, token))
}

fn last_shown(token: &str) -> Result<InstanceId, Refusal> {
    token.strip_prefix(MARK).and_then(|id| id.parse().ok()).ok_or_else(|| {
        Refusal::bad_request("InvalidNextToken", "The specified token is not valid.")
    })
}
