//! Clients of the SDK, one pair for each account and region, made at the first use.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use ccm_domain::{Account, Scope};
use ccm_ports::RemoteError;
use tokio::sync::Mutex;

use crate::budget::{Budget, LONGEST_WAIT, LONGEST_WAIT_OF_A_LOOK};
use crate::error::meaning;
use crate::options::{Options, Role};

/// How assumed sessions are called in CloudTrail.
const SESSION: &str = "ccm";

/// All clients.
#[derive(Debug)]
pub(crate) struct Clients {
    config: SdkConfig,
    options: Options,
    roles: BTreeMap<Account, Role>,
    of_scope: Mutex<HashMap<Scope, Arc<Pair>>>,
}

/// The clients of one account and region.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    /// Instances in one page.
    pub(crate) page: i32,
    ec2_budget: Budget,
    cloudwatch_budget: Budget,
}

impl Clients {
    pub(crate) fn new(config: &SdkConfig, options: Options) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(options.connect_timeout)
            .operation_attempt_timeout(options.attempt_timeout)
            .operation_timeout(options.request_timeout)
            .build();
        // Not adaptive: one client's limiter would slow every region behind it; the budgets do that better.
        let retries = RetryConfig::standard().with_max_attempts(options.attempts.max(1));
        let mut builder = config.to_builder().timeout_config(timeouts).retry_config(retries);
        builder.set_app_name(AppName::new("ccm").ok());
        let roles =
            options.roles.iter().map(|role| (role.account().clone(), role.clone())).collect();
        Self { config: builder.build(), options, roles, of_scope: Mutex::default() }
    }

    /// Returns the clients of a scope.
    ///
    /// # Errors
    /// [`RemoteError::Invalid`] for an account that no role leads to.
    pub(crate) async fn of(&self, scope: &Scope) -> Result<Arc<Pair>, RemoteError> {
        let mut of_scope = self.of_scope.lock().await;
        if let Some(pair) = of_scope.get(scope) {
            return Ok(Arc::clone(pair));
        }
        let pair = Arc::new(self.connect(scope).await?);
        of_scope.insert(scope.clone(), Arc::clone(&pair));
        Ok(pair)
    }

    async fn connect(&self, scope: &Scope) -> Result<Pair, RemoteError> {
        let region = aws_config::Region::new(scope.region.to_string());
        let mut builder = self.config.to_builder().region(region.clone());
        if scope.account != Account::default() {
            let role = self.roles.get(&scope.account).ok_or_else(|| {
                RemoteError::Invalid(format!("no role is configured for account {}", scope.account))
            })?;
            builder.set_credentials_provider(Some(self.assume(role, region).await));
        }
        let config = builder.build();
        let per_second = self.options.requests_per_second;
        Ok(Pair {
            ec2: aws_sdk_ec2::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            page: self.options.page.clamp(5, 1_000),
            ec2_budget: Budget::new(per_second),
            cloudwatch_budget: Budget::new(per_second),
        })
    }

    async fn assume(&self, role: &Role, region: aws_config::Region) -> SharedCredentialsProvider {
        let mut builder = AssumeRoleProvider::builder(role.arn())
            .configure(&self.config)
            .region(region)
            .session_name(SESSION);
        if let Some(id) = role.external_id() {
            builder = builder.external_id(id);
        }
        SharedCredentialsProvider::new(builder.build().await)
    }
}

impl Pair {
    /// Sends a request of EC2 within its budget.
    pub(crate) async fn ec2<T, E>(
        &self,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, RemoteError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        within(&self.ec2_budget, LONGEST_WAIT, request).await
    }

    /// Sends a request about a few instances that a sweep sees too.
    pub(crate) async fn ec2_look<T, E>(
        &self,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, RemoteError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        within(&self.ec2_budget, LONGEST_WAIT_OF_A_LOOK, request).await
    }

    /// Sends a request of CloudWatch within its budget.
    pub(crate) async fn cloudwatch<T, E>(
        &self,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, RemoteError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        within(&self.cloudwatch_budget, LONGEST_WAIT, request).await
    }
}

async fn within<T, E>(
    budget: &Budget,
    longest: Duration,
    request: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<T, RemoteError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    budget.draw(longest).await?;
    let done = request.await.map_err(meaning);
    budget.learn(&done);
    done
}
