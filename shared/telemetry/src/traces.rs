//! Where spans come from and where they go: sampling, resource, OTLP.
//!
//! ```text
//! span ends ──► bounded queue ──► batch ──► collector (OTLP over gRPC)
//!                   └ full: dropped, counted      └ away: dropped, counted, one warning
//! ```
//!
//! **Invariant:** nobody who makes a span waits for the collector. Nothing global is touched, so that two
//! processes in one share nothing.

mod export;

use ccm_config::section::TelemetrySection;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

pub use export::{Export, Flush};

use crate::{Identity, Meter, Tracer};

/// Makes tracers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    is_on: bool,
}

impl Traces {
    /// Returns traces that are carried on, but kept nowhere.
    #[must_use]
    pub fn off() -> Self {
        let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
        Self { provider, is_on: false }
    }

    /// Returns the traces that the configuration asks for, and their way out, which the caller lets run.
    #[must_use]
    pub fn new(
        section: &TelemetrySection,
        who: &Identity,
        meter: &Meter,
    ) -> (Self, Option<Export>) {
        let Some(endpoint) = &section.otlp_endpoint else { return (Self::off(), None) };
        let resource = Resource::builder()
            .with_service_name(who.service)
            .with_attributes([
                KeyValue::new("service.version", who.version),
                KeyValue::new("service.instance.id", who.instance.clone()),
            ])
            .build();
        let (queue, export) = export::queue(endpoint.as_str(), resource.clone(), meter);
        let root = Sampler::TraceIdRatioBased(section.trace_ratio);
        let provider = SdkTracerProvider::builder()
            // Whoever began a trace says whether it is kept, so that it is kept whole or not at all.
            .with_sampler(Sampler::ParentBased(Box::new(root)))
            .with_resource(resource)
            .with_span_processor(queue)
            .build();
        (Self { provider, is_on: true }, Some(export))
    }

    /// Returns the tracer of one crate.
    #[must_use]
    pub fn tracer(&self, name: &'static str) -> Tracer {
        Tracer::new(self.provider.tracer(name), self.is_on)
    }
}
