//! One configuration, from which those of the three services are derived.

use std::path::PathBuf;

use anyhow::Context as _;
use ccm_api::SseSection;
use ccm_config::SecretUrl;
use ccm_config::section::{
    AdminSection, AuthMode, AuthSection, BusSection, DrainSection, HttpSection, TelemetrySection,
};
use ccm_relay::RelaySection;
use ccm_runtime::ServiceConfig;
use ccm_scheduler::config::{AwsSection, CmlSection, JobsSection};
use serde::Deserialize;

use crate::simulate::SimulateSection;
use crate::wiring;

/// Everything that can be configured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandaloneConfig {
    /// Public port.
    pub http: HttpSection,
    /// Second port.
    pub admin: AdminSection,
    /// Where state is kept.
    #[serde(default)]
    pub store: StorePlace,
    /// Always in process.
    pub bus: BusSection,
    /// How callers are known.
    pub auth: AuthSection,
    /// Where to look in AWS.
    pub aws: AwsSection,
    /// How controllers are reached.
    pub cml: CmlSection,
    /// A world of our own.
    pub simulate: SimulateSection,
    /// First settings of the schedules.
    #[serde(default)]
    pub jobs: JobsSection,
    /// Where events are sent outside.
    pub relay: RelaySection,
    /// How event streams are kept.
    pub sse: SseSection,
    /// Logs and metrics.
    pub telemetry: TelemetrySection,
    /// Phases of stopping.
    pub drain: DrainSection,
}

/// `[store]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorePlace {
    /// `embedded:PATH` or `memory:`; a file in the user's data folder when unset.
    pub url: Option<SecretUrl>,
}

impl StandaloneConfig {
    /// Returns where the store is. Real and simulated fleets never share a file.
    ///
    /// # Errors
    /// When no place is set and the user has no home.
    pub fn store_url(&self) -> anyhow::Result<String> {
        if let Some(url) = &self.store.url {
            return Ok(url.expose().to_owned());
        }
        let folder = data_folder().context("there is no home folder; set store.url")?;
        let name = if self.simulate.is_on() { "simulated.db" } else { "ccm.db" };
        Ok(format!("embedded:{}", folder.join(name).display()))
    }
}

impl ServiceConfig for StandaloneConfig {
    fn admin(&self) -> &AdminSection {
        &self.admin
    }

    fn telemetry(&self) -> &TelemetrySection {
        &self.telemetry
    }

    fn drain(&self) -> &DrainSection {
        &self.drain
    }

    fn check(&self) -> Vec<String> {
        let mut faults = self.simulate.check();
        faults.extend(self.jobs.check());
        faults.extend(self.aws.check());
        faults.extend(self.cml.check());
        faults.extend(self.relay.check());
        if let Err(err) = ccm_api::auth::check(&self.auth, self.http.listen) {
            faults.push(err.to_string());
        }
        if self.auth.mode == AuthMode::Oidc && self.simulate.speed > 1.0 {
            faults.push(
                "auth.mode = \"oidc\" needs simulate.speed = 1: tokens keep real time".to_owned(),
            );
        }
        if self.bus.url.scheme() != "local" {
            faults.push("bus.url must be 'local:' in one process".to_owned());
        }
        if let Some(Err(fault)) =
            self.store.url.as_ref().map(|url| wiring::check_store(url.expose()))
        {
            faults.push(fault);
        }
        faults
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.relay.warnings();
        warnings.extend(ccm_api::auth::warnings(&self.auth));
        if !self.simulate.is_on() {
            warnings.extend(self.cml.warnings());
        }
        warnings
    }
}

#[expect(clippy::disallowed_methods, reason = "where a user's data is, is not our configuration")]
fn data_folder() -> Option<PathBuf> {
    let set =
        std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    set.or_else(home).map(|folder| folder.join("ccm"))
}
