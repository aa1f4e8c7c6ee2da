//! The log with a span for every event that it is given, in the trace of what caused the event.

use std::sync::Arc;

use async_trait::async_trait;
use ccm_events::Change;
use ccm_ports::{EventLog, Logged, StoreError};
use ccm_telemetry::{Span, SpanKind, Tracer, propagate};

/// Returns the same log, traced where spans are exported.
pub(crate) fn traced(log: &Arc<dyn EventLog>, tracer: &Tracer) -> Arc<dyn EventLog> {
    let inner = Arc::clone(log);
    if tracer.is_on() { Arc::new(Traced { inner, tracer: tracer.clone() }) } else { inner }
}

struct Traced {
    inner: Arc<dyn EventLog>,
    tracer: Tracer,
}

impl Traced {
    /// Begins the span of a change whose trace is kept.
    fn span(&self, change: &Change) -> Option<Span> {
        let cause = change.traceparent.as_deref().filter(|cause| propagate::is_sampled(cause))?;
        let span = self
            .tracer
            .span(format!("log {}", change.kind.name()))
            .kind(SpanKind::Producer)
            .under(Some(cause))
            .with("event.type", change.kind.name())
            .with("event.id", change.id.clone());
        Some(span.start())
    }
}

#[async_trait]
impl EventLog for Traced {
    async fn head(&self) -> Result<u64, StoreError> {
        self.inner.head().await
    }

    async fn oldest(&self) -> Result<u64, StoreError> {
        self.inner.oldest().await
    }

    async fn append(&self, after: u64, changes: &[Change]) -> Result<Vec<Logged>, StoreError> {
        let spans: Vec<Option<Span>> = changes.iter().map(|change| self.span(change)).collect();
        let logged = self.inner.append(after, changes).await;
        for (nth, span) in spans.iter().enumerate() {
            match (span, &logged) {
                (Some(span), Ok(logged)) => {
                    let seq = logged.get(nth).and_then(|logged| i64::try_from(logged.seq).ok());
                    span.set("event.seq", seq.unwrap_or_default());
                }
                (Some(span), Err(_)) => span.fail("not_logged"),
                (None, _) => {}
            }
        }
        logged
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.inner.read(after, limit).await
    }

    async fn trim(&self, keep_from: u64) -> Result<u64, StoreError> {
        self.inner.trim(keep_from).await
    }
}
