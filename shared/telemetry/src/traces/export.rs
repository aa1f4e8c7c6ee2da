//! From spans that ended to the collector: a bounded queue, batches, and an end that is waited for.

use std::time::Duration;

use opentelemetry::metrics::Counter;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _, SpanProcessor};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Meter;

/// Spans that wait at most; what ends while so many wait is dropped. A span takes about a kilobyte.
const ROOM: usize = 4_096;

/// Spans sent at a time.
const BATCH: usize = 512;

/// How long spans wait for others to go with.
const LINGER: Duration = Duration::from_secs(1);

/// The longest that a collector may take for a batch.
const LIMIT: Duration = Duration::from_secs(5);

/// The end of the queue where spans come in.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    counted: Counter<u64>,
}

/// The way of spans to the collector; nothing is sent before it runs.
#[derive(Debug)]
pub struct Export {
    endpoint: String,
    resource: Resource,
    spans: mpsc::Receiver<SpanData>,
    counted: Counter<u64>,
    flush: Flush,
    is_away: bool,
}

/// Lets everything that has ended be sent. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Flush {
    closing: CancellationToken,
    closed: CancellationToken,
}

pub(super) fn queue(endpoint: &str, resource: Resource, meter: &Meter) -> (Queue, Export) {
    let counted = meter
        .u64_counter("ccm_trace_spans_total")
        .with_description(
            "Spans by what became of them (outcome): exported, failed (the collector did not take them), dropped \
             (too many waited)",
        )
        .build();
    let (sender, spans) = mpsc::channel(ROOM);
    let queue = Queue { spans: sender, counted: counted.clone() };
    let flush = Flush::default();
    let endpoint = endpoint.to_owned();
    (queue, Export { endpoint, resource, spans, counted, flush, is_away: false })
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.counted.add(1, &[KeyValue::new("outcome", "dropped")]);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Flush {
    /// Waits until everything that has ended was sent, or the time is over. Nothing is sent after it.
    pub async fn flush(&self, limit: Duration) {
        self.closing.cancel();
        if tokio::time::timeout(limit, self.closed.cancelled()).await.is_err() {
            tracing::debug!("the last spans were not sent in time");
        }
    }
}

impl Export {
    /// Returns what ends it in good order.
    #[must_use]
    pub fn flusher(&self) -> Flush {
        self.flush.clone()
    }

    /// Sends spans until it is told to flush.
    ///
    /// # Errors
    /// When the endpoint cannot be used at all.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let exporter = self.exporter()?;
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let is_closing = self.gather(&mut batch).await;
            while !batch.is_empty() {
                self.send(&exporter, std::mem::take(&mut batch)).await;
                if is_closing {
                    self.take_ready(&mut batch);
                }
            }
            if is_closing {
                self.flush.closed.cancel();
                return Ok(());
            }
        }
    }

    fn exporter(&self) -> anyhow::Result<SpanExporter> {
        let mut builder =
            SpanExporter::builder().with_tonic().with_endpoint(&self.endpoint).with_timeout(LIMIT);
        if self.endpoint.starts_with("https:") {
            builder = builder.with_tls_config(ClientTlsConfig::new().with_enabled_roots());
        }
        let mut exporter = builder.build()?;
        exporter.set_resource(&self.resource);
        Ok(exporter)
    }

    /// Waits for a batch, or for a while; returns whether this is the last one.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) -> bool {
        let spans = &mut self.spans;
        let full = async {
            while batch.len() < BATCH {
                if spans.recv_many(batch, BATCH - batch.len()).await == 0 {
                    // Nobody makes spans any more; the flush is still to come.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            biased;
            () = self.flush.closing.cancelled() => {}
            _ = tokio::time::timeout(LINGER, full) => return false,
        }
        self.take_ready(batch);
        true
    }

    fn take_ready(&mut self, batch: &mut Vec<SpanData>) {
        while batch.len() < BATCH
            && let Ok(span) = self.spans.try_recv()
        {
            batch.push(span);
        }
    }

    async fn send(&mut self, exporter: &SpanExporter, batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        let sent = tokio::time::timeout(LIMIT, exporter.export(batch)).await;
        let error = match sent {
            Ok(Ok(())) => None,
            Ok(Err(err)) => Some(err.to_string()),
            Err(_) => Some(format!("no answer within {} s", LIMIT.as_secs())),
        };
        let outcome = if error.is_none() { "exported" } else { "failed" };
        self.counted.add(count, &[KeyValue::new("outcome", outcome)]);
        match error {
            Some(error) if !self.is_away => {
                tracing::warn!(error, "the collector takes no traces; they are lost until it does");
                self.is_away = true;
            }
            None if self.is_away => {
                tracing::info!("the collector takes traces again");
                self.is_away = false;
            }
            Some(_) | None => {}
        }
    }
}
