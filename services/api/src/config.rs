//! The API's configuration; `defaults.toml` documents each key.

use ccm_config::section::{
    AdminSection, AuthSection, BusSection, DrainSection, EventsSection, HttpSection,
    InboundOnlySection, InboundSection, StoreSection, TelemetrySection,
};
use ccm_runtime::ServiceConfig;
use serde::Deserialize;

use crate::SseSection;
use crate::auth;

/// The API's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiConfig {
    /// `[http]`: the public port.
    pub http: HttpSection,
    /// `[admin]`: the second port.
    pub admin: AdminSection,
    /// `[auth]`: who may call.
    pub auth: AuthSection,
    /// `[store]`: where state is kept.
    pub store: StoreSection,
    /// `[bus]`: where events come from.
    pub bus: BusSection,
    /// `[events]`: what of the past is near at hand.
    pub events: EventsSection,
    /// `[relay]`: who may send events from outside.
    pub relay: InboundOnlySection,
    /// `[sse]`: how streams are kept.
    pub sse: SseSection,
    /// `[drain]`: the phases of stopping.
    pub drain: DrainSection,
    /// `[telemetry]`: what the process says about itself.
    pub telemetry: TelemetrySection,
}

impl ApiConfig {
    /// Returns a configuration for tests: free ports on loopback, everything in memory.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            http: HttpSection::for_testing(),
            admin: AdminSection::for_testing(),
            auth: AuthSection::for_testing(),
            store: StoreSection::for_testing(),
            bus: BusSection::for_testing(),
            events: EventsSection::for_testing(),
            relay: InboundOnlySection { inbound: InboundSection::for_testing() },
            sse: SseSection::for_testing(),
            drain: DrainSection::for_testing(),
            telemetry: TelemetrySection::for_testing(),
        }
    }
}

impl ServiceConfig for ApiConfig {
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
        let mut faults = Vec::new();
        if self.http.listen == self.admin.listen && self.http.listen.port() != 0 {
            faults.push("http.listen and admin.listen are the same".to_owned());
        }
        if let Err(err) = auth::check(&self.auth, self.http.listen) {
            faults.push(err.to_string());
        }
        faults.extend(self.sse.check());
        faults.extend(ccm_inbound::check(&self.relay.inbound));
        #[cfg(feature = "distributed")]
        faults.extend(crate::wiring::check(self));
        faults
    }

    fn warnings(&self) -> Vec<String> {
        auth::warnings(&self.auth)
    }
}
