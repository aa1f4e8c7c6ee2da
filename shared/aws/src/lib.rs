#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod budget;
mod clients;
mod cloudwatch;
mod convert;
mod ec2;
mod error;
mod identity;
mod options;

use aws_config::{BehaviorVersion, SdkConfig};
use ccm_domain::{Account, Region, Scope};
use ccm_ports::RemoteError;

pub use options::{InvalidRole, Options, Role};

use clients::Clients;

/// EC2 and CloudWatch of any number of accounts and regions.
#[derive(Debug)]
pub struct Aws {
    clients: Clients,
    scopes: Vec<Scope>,
}

impl Aws {
    /// Reads AWS's standard configuration; talks to AWS only if that says so, as for a region from IMDS.
    ///
    /// # Errors
    /// [`RemoteError::Invalid`] when neither the options nor the environment name a region.
    pub async fn connect(options: Options) -> Result<Self, RemoteError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = options.regions.first() {
            loader = loader.region(aws_config::Region::new(region.to_string()));
        }
        Self::with(&loader.load().await, options)
    }

    /// As [`Aws::connect`], with a configuration made by hand.
    ///
    /// # Errors
    /// [`RemoteError::Invalid`] when neither the options nor the configuration name a region.
    pub fn with(config: &SdkConfig, options: Options) -> Result<Self, RemoteError> {
        let regions = regions(config, &options)?;
        let accounts: Vec<Account> = if options.roles.is_empty() {
            vec![Account::default()]
        } else {
            options.roles.iter().map(|role| role.account().clone()).collect()
        };
        let in_account = |account: Account| {
            regions
                .iter()
                .map(move |region| Scope { account: account.clone(), region: region.clone() })
        };
        let scopes = accounts.into_iter().flat_map(in_account).collect();
        Ok(Self { clients: Clients::new(config, options), scopes })
    }

    /// Returns every account in every region, as configured.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }
}

fn regions(config: &SdkConfig, options: &Options) -> Result<Vec<Region>, RemoteError> {
    if !options.regions.is_empty() {
        return Ok(options.regions.clone());
    }
    let none =
        || RemoteError::Invalid("no region: set aws.regions, AWS_REGION or a profile".to_owned());
    let region = config.region().ok_or_else(none)?.as_ref();
    let region =
        region.parse().map_err(|err| RemoteError::Invalid(format!("region {region}: {err}")))?;
    Ok(vec![region])
}
