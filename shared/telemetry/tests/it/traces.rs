//! What reaches the collector, and what does not.

use std::time::Duration;

use ccm_config::section::TelemetrySection;
use ccm_telemetry::{Export, Identity, Metrics, SpanKind, Tracer, Traces, propagate};
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::collector::Collector;

const LONG: Duration = Duration::from_secs(20);

/// Spans of one process, and what sends them.
struct Process {
    metrics: Metrics,
    tracer: Tracer,
    export: Export,
}

impl Process {
    fn to(address: std::net::SocketAddr, ratio: f64) -> Self {
        let section = TelemetrySection {
            otlp_endpoint: Some(format!("http://{address}").parse().unwrap()),
            trace_ratio: ratio,
            ..TelemetrySection::for_testing()
        };
        let who = Identity { service: "ccm-test", version: "1.2.3", instance: "test-1".to_owned() };
        let metrics = Metrics::new("ccm-test").unwrap();
        let (traces, export) = Traces::new(&section, &who, &metrics.meter("ccm-telemetry"));
        Self { metrics, tracer: traces.tracer("ccm-test"), export: export.unwrap() }
    }

    /// Sends everything that has ended; returns the rendered metrics.
    async fn end(self) -> String {
        let flush = self.export.flusher();
        let (sent, ()) = tokio::join!(self.export.run(), flush.flush(LONG));
        sent.unwrap();
        self.metrics.render().unwrap()
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:?}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn what_ended_before_the_flush_reaches_the_collector() {
    let collector = Collector::start().await;
    let process = Process::to(collector.address, 1.0);
    {
        let click = process.tracer.span("click").kind(SpanKind::Server).with("worker.id", "w1");
        let click = click.start();
        click.cover(async { drop(process.tracer.span("below").start()) }).await;
        let later = process.tracer.span("later").under(Some(&click.traceparent())).start();
        later.fail("timeout");
    }

    let metrics = process.end().await;

    let spans = collector.spans();
    let (click, below, later) =
        (named(&spans, "click"), named(&spans, "below"), named(&spans, "later"));
    for child in [below, later] {
        assert_eq!((&child.trace_id, &child.parent_span_id), (&click.trace_id, &click.span_id));
    }
    assert!(click.parent_span_id.is_empty() && click.end_time_unix_nano > 0, "{click:?}");
    assert_eq!((click.kind, click.attributes[0].key.as_str()), (2, "worker.id"));
    assert_eq!(later.status.as_ref().unwrap().message, "timeout");
    let resource = format!("{:?}", collector.requests()[0].resource_spans[0].resource);
    for word in ["service.name", "ccm-test", "service.version", "1.2.3", "test-1"] {
        assert!(resource.contains(word), "{word}: {resource}");
    }
    assert!(metrics.contains("ccm_trace_spans_total{outcome=\"exported\"} 3"), "{metrics}");
}

#[tokio::test]
async fn spans_are_sent_while_the_process_runs() {
    let collector = Collector::start().await;
    let process = Process::to(collector.address, 1.0);
    drop(process.tracer.span("first").start());

    tokio::select! {
        ended = process.export.run() => panic!("{ended:?}"),
        () = collector.heard() => {}
    }

    assert_eq!(named(&collector.spans(), "first").name, "first");
}

#[tokio::test]
async fn whoever_began_a_trace_says_whether_it_is_kept() {
    let collector = Collector::start().await;
    let process = Process::to(collector.address, 0.0);
    let from_outside = |flags: &str| format!("00-{}-b7ad6b7169203331-{flags}", "ab".repeat(16));
    let (kept, not) = (from_outside("01"), from_outside("00"));
    drop(process.tracer.span("kept").under(Some(&kept)).linked(Some(&not)).start());
    drop(process.tracer.span("not kept").under(Some(&not)).start());
    drop(process.tracer.span("ours").start());

    process.end().await;

    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert_eq!(hex(&spans[0].trace_id), "ab".repeat(16));
    assert_eq!(hex(&spans[0].parent_span_id), "b7ad6b7169203331");
    assert_eq!(spans[0].links.len(), 1);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_the_spans_and_nothing_else() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let process = Process::to(nobody, 1.0);
    for _ in 0..3 {
        drop(process.tracer.span("lost").start());
    }

    let metrics = process.end().await;

    assert!(metrics.contains("ccm_trace_spans_total{outcome=\"failed\"} 3"), "{metrics}");
}

#[tokio::test]
async fn more_spans_than_may_wait_are_dropped_and_counted() {
    let collector = Collector::start().await;
    let process = Process::to(collector.address, 1.0);
    for _ in 0..5_000 {
        drop(process.tracer.span("one of many").start());
    }

    let metrics = process.end().await;

    assert_eq!(collector.spans().len(), 4_096);
    assert!(metrics.contains("ccm_trace_spans_total{outcome=\"exported\"} 4096"), "{metrics}");
    assert!(metrics.contains("ccm_trace_spans_total{outcome=\"dropped\"} 904"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_hangs_is_not_waited_for_beyond_the_limit() {
    let collector = Collector::stuck().await;
    let process = Process::to(collector.address, 1.0);
    drop(process.tracer.span("stuck").start());
    let flush = process.export.flusher();

    let begun = tokio::time::Instant::now();
    let limit = Duration::from_secs(1);
    tokio::select! {
        sent = process.export.run() => panic!("{sent:?}"),
        () = flush.flush(limit) => {}
    }

    assert_eq!(begun.elapsed(), limit);
}

#[tokio::test]
async fn without_a_collector_traces_are_carried_on_all_the_same() {
    let tracer = Traces::off().tracer("ccm-test");
    let given = format!("00-{}-b7ad6b7169203331-01", "ab".repeat(16));
    let click = tracer.span("click").under(Some(&given)).start();

    let inside = click.cover(async { propagate::current() }).await.unwrap();
    let below = propagate::within(Some(&inside), async { propagate::current_trace() }).await;

    assert_eq!((inside.as_str(), below), (click.traceparent().as_str(), Some("ab".repeat(16))));
    assert!(!inside.contains("b7ad6b7169203331") && inside.ends_with("-00"), "{inside}");
    let (one, other) = (tracer.span("one").start(), tracer.span("other").start());
    assert_ne!(one.trace_id(), other.trace_id());
}
