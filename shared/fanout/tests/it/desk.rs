//! Events to publish, clients to poll, frames to read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use ccm_domain::{Timestamp, WorkerId};
use ccm_events::{Change, Event, Kind, Subject};
use ccm_fanout::{About, Ended, Filter, Hub, Limits, Refused, Subscribe, Subscription, Told};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// A hub that is easily filled.
pub(crate) const SMALL: Limits = Limits {
    ring_events: 8,
    ring_bytes: 8_000,
    subjects: 16,
    clients: 6,
    pending_bytes: 1_500,
    shards: 2,
};

pub(crate) fn worker(n: u64) -> Subject {
    let id = uuid::Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | n);
    Subject::Worker(WorkerId::new(id))
}

fn change(kind: Kind, subject: &Subject, n: u64) -> Change {
    Change {
        id: format!("tests/{n}"),
        kind,
        subject: subject.clone(),
        time: Timestamp::from_millis(1_700_000_000_000),
        data: json!({ "n": n }).into(),
        traceparent: None,
    }
}

pub(crate) fn logged(seq: u64, kind: Kind, subject: &Subject) -> Event {
    Event::logged(seq, &change(kind, subject, seq))
}

pub(crate) fn metrics(subject: &Subject, n: u64) -> Event {
    Event::ephemeral(&change(Kind::WorkerMetrics, subject, n))
}

/// Publishes events about one worker.
pub(crate) fn publish(hub: &Hub, seqs: impl IntoIterator<Item = u64>) {
    for seq in seqs {
        hub.publish(&logged(seq, Kind::WorkerStateChanged, &worker(1))).unwrap();
    }
}

pub(crate) fn subscribe(hub: &Hub, filter: &Filter, after: Option<u64>) -> Result<Client, Refused> {
    let since = Timestamp::from_millis(0);
    let about = About { name: "test".to_owned(), address: None, since };
    let over = CancellationToken::new();
    let request = Subscribe { about, filter: filter.clone(), after, over: over.clone() };
    let subscription = hub.subscribe(request)?;
    Ok(Client { subscription, over, woken: Arc::default() })
}

/// A client that is polled by hand.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) subscription: Subscription,
    pub(crate) over: CancellationToken,
    pub(crate) woken: Arc<Woken>,
}

#[derive(Debug, Default)]
pub(crate) struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Client {
    pub(crate) fn poll(&mut self) -> Option<Told> {
        self.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.subscription.poll_next(&mut Context::from_waker(&waker)) {
            Poll::Ready(told) => Some(told),
            Poll::Pending => None,
        }
    }

    pub(crate) fn was_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }

    /// Takes what is there: the numbers of logged events, and the end if it came.
    pub(crate) fn drain(&mut self) -> (Vec<u64>, Option<Ended>) {
        let mut seqs = Vec::new();
        loop {
            match self.poll() {
                Some(Told::Frame(frame)) => seqs.extend(Seen::read(&frame).seq),
                Some(Told::End(ended)) => return (seqs, Some(ended)),
                None => return (seqs, None),
            }
        }
    }
}

/// A frame, read as a browser reads it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) seq: Option<u64>,
    pub(crate) n: u64,
    pub(crate) subject: String,
}

impl Seen {
    pub(crate) fn read(frame: &Bytes) -> Self {
        let text = std::str::from_utf8(frame).unwrap();
        assert!(text.ends_with("\n\n"), "{text:?}");
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let json: serde_json::Value = serde_json::from_str(field("data: ").unwrap()).unwrap();
        Self {
            seq: field("id: ").map(|id| id.parse().unwrap()),
            n: json["data"]["n"].as_u64().unwrap(),
            subject: json["subject"].as_str().unwrap().to_owned(),
        }
    }
}
