//! What is measured of streams: read from the hub when somebody asks.

use ccm_fanout::Hub;
use ccm_telemetry::{KeyValue, Meter};
use opentelemetry::metrics::Counter;

/// Counts readers that were told to come back later.
pub(super) fn turned_away(meter: &Meter) -> Counter<u64> {
    meter
        .u64_counter("ccm_sse_turned_away_total")
        .with_description("Readers that got no stream and were told when to come back, by reason")
        .build()
}

/// Makes the instruments of a hub.
pub(super) fn observe(meter: &Meter, hub: &Hub) {
    let gauge = |name: &'static str, description: &'static str, read: fn(&Hub) -> u64| {
        let hub = hub.clone();
        let _gauge = meter
            .u64_observable_gauge(name)
            .with_description(description)
            .with_callback(move |gauge| gauge.observe(read(&hub), &[]))
            .build();
    };
    gauge("ccm_sse_clients", "Open event streams", |hub| hub.stats().clients as u64);
    gauge("ccm_sse_pending_bytes", "Bytes that wait for readers", |hub| {
        hub.stats().pending_bytes as u64
    });
    gauge("ccm_sse_lag_events", "Events that the slowest reader is behind", |hub| {
        hub.stats().most_lag
    });
    gauge("ccm_sse_ring_bytes", "Bytes kept for readers that come back", |hub| {
        hub.stats().ring_bytes as u64
    });
    gauge("ccm_events_last_seq", "Number of the last event told", Hub::last);
    let counter = |name: &'static str, description: &'static str, read: fn(&Hub) -> u64| {
        let hub = hub.clone();
        let _counter = meter
            .u64_observable_counter(name)
            .with_description(description)
            .with_callback(move |counter| counter.observe(read(&hub), &[]))
            .build();
    };
    counter("ccm_sse_frames_total", "Frames handed to readers", |hub| hub.stats().frames);
    counter("ccm_sse_bytes_total", "Bytes handed to readers", |hub| hub.stats().bytes);
    let hub = hub.clone();
    let _ended = meter
        .u64_observable_counter("ccm_sse_ended_total")
        .with_description("Streams ended by the hub, by reason")
        .with_callback(move |counter| {
            for (ended, count) in hub.stats().ended {
                counter.observe(count, &[KeyValue::new("reason", ended.word())]);
            }
        })
        .build();
}
