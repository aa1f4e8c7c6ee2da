//! Whose credentials are in use.

use ccm_domain::Scope;
use ccm_ports::RemoteError;

use crate::Aws;
use crate::error::meaning;

impl Aws {
    /// Returns the ARN under which calls to a scope are made; needs no permission.
    ///
    /// # Errors
    /// [`RemoteError::Denied`] when there are no credentials or the role may not be assumed.
    pub async fn identity(&self, scope: &Scope) -> Result<String, RemoteError> {
        let clients = self.clients.of(scope).await?;
        let answer = clients.sts.get_caller_identity().send().await.map_err(meaning)?;
        answer
            .arn
            .ok_or_else(|| RemoteError::Unexpected("GetCallerIdentity without an ARN".to_owned()))
    }
}
