//! The only file that names adapters.

use std::sync::Arc;

use ccm_app::{EndpointTemplate, Remotes};
use ccm_cml::{CmlClient, CmlOptions};
use ccm_ports::EventPublisher;
#[cfg(feature = "distributed")]
use ccm_runtime::Shell;
use secrecy::SecretString;

use crate::config::{AwsSection, CmlSection};
#[cfg(feature = "distributed")]
use crate::{Deps, config::ProcessConfig};

/// Returns what is wrong with the places where state is kept and events come from.
#[cfg(feature = "distributed")]
pub(crate) fn check(config: &ProcessConfig) -> Vec<String> {
    ccm_backplane::check(&config.store, &config.bus)
}

/// Connects what the configuration names.
///
/// # Errors
/// When the configuration cannot be used, or the process is told to stop first.
#[cfg(feature = "distributed")]
pub async fn connect(config: &ProcessConfig, shell: &Shell) -> anyhow::Result<Deps> {
    let ProcessConfig { admin, store, bus, events, .. } = config;
    let sections = ccm_backplane::Sections { admin, store, bus, events };
    let member = ccm_backplane::join("scheduler", sections, shell).await?;
    let remotes = remotes(&config.aws, &config.cml, member.bus.publisher).await?;
    Ok(Deps { fleet: member.fleet, remotes, holder: member.name })
}

/// Connects AWS and the controllers.
///
/// # Errors
/// When credentials or regions cannot be found, the CA file cannot be read, or this build has no AWS adapter.
pub async fn remotes(
    aws: &AwsSection,
    cml: &CmlSection,
    publisher: Arc<dyn EventPublisher>,
) -> anyhow::Result<Remotes> {
    let controllers: Arc<CmlClient> = Arc::new(CmlClient::new(cml_options(cml))?);
    let endpoint = EndpointTemplate(cml.endpoint.clone());
    cloud::connect(aws, controllers, publisher, endpoint).await
}

fn cml_options(section: &CmlSection) -> CmlOptions {
    let password = section
        .password
        .clone()
        .map_or_else(|| SecretString::from(String::new()), ccm_config::Secret::into_inner);
    CmlOptions {
        ca_file: section.ca_file.clone(),
        verify_tls: section.verify_tls,
        ..CmlOptions::new(section.username.clone(), password)
    }
}

#[cfg(feature = "aws")]
mod cloud {
    use std::sync::Arc;

    use anyhow::Context as _;
    use ccm_app::{EndpointTemplate, Remotes};
    use ccm_aws::{Aws, Options, Role};
    use ccm_ports::{CmlApi, EventPublisher};

    use crate::config::AwsSection;

    pub(super) async fn connect(
        section: &AwsSection,
        cml: Arc<dyn CmlApi>,
        publisher: Arc<dyn EventPublisher>,
        endpoint: EndpointTemplate,
    ) -> anyhow::Result<Remotes> {
        let regions = section.regions.iter().map(|region| region.parse());
        let roles = section.accounts.iter().map(|account| {
            let role: Role = account.role_arn.parse()?;
            let external = account.external_id.as_ref();
            Ok(external.map_or(role.clone(), |id| role.with_external_id(id.expose())))
        });
        let options = Options {
            regions: regions.collect::<Result<_, _>>()?,
            roles: roles.collect::<anyhow::Result<_>>()?,
            ..Options::default()
        };
        let aws = Arc::new(Aws::connect(options).await.context("AWS cannot be used")?);
        let scopes = aws.scopes().to_vec();
        Ok(Remotes { compute: aws.clone(), measure: aws, cml, publisher, scopes, endpoint })
    }
}

#[cfg(not(feature = "aws"))]
mod cloud {
    use std::sync::Arc;

    use ccm_app::{EndpointTemplate, Remotes};
    use ccm_ports::{CmlApi, EventPublisher};

    use crate::config::AwsSection;

    pub(super) async fn connect(
        _: &AwsSection,
        _: Arc<dyn CmlApi>,
        _: Arc<dyn EventPublisher>,
        _: EndpointTemplate,
    ) -> anyhow::Result<Remotes> {
        anyhow::bail!(
            "this build has no AWS adapter; build with `--features aws`, or simulate a fleet with `--simulate 12`"
        )
    }
}
