#![doc = include_str!("../README.md")]

mod answer;
mod settings;

use axum::body::to_bytes;
use axum::extract::Request;
use ccm_app::{Declined, Fleet, Inbound, Outcome};
use ccm_config::section::InboundSection;
use ccm_events::foreign::{MOST_BODY, Message, Unreadable};
use ccm_events::signature::InvalidKey;
use ccm_ports::{Clock as _, SystemClock};
use ccm_telemetry::{KeyValue, Meter};
use http::{HeaderMap, header};
use opentelemetry::metrics::Counter;

pub use answer::{Consent, Taken};
pub use settings::check;

/// Its address on both ports.
pub const PATH: &str = "/api/v1/events/inbound";

/// Takes events from outside and counts them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WayIn {
    inbound: Inbound,
    events: Counter<u64>,
    declined: Counter<u64>,
}

impl WayIn {
    /// Makes the way in; it is closed without a secret.
    ///
    /// # Errors
    /// When a secret is none of Standard Webhooks; it is not repeated.
    pub fn new(fleet: &Fleet, section: &InboundSection, meter: &Meter) -> Result<Self, InvalidKey> {
        let counter = |name: &'static str, description: &'static str| {
            meter.u64_counter(name).with_description(description).build()
        };
        Ok(Self {
            inbound: Inbound::new(fleet.clone(), settings::options(section)?),
            events: counter("ccm_inbound_events_total", "Events from outside, by what they led to"),
            declined: counter(
                "ccm_inbound_declined_total",
                "Requests with events from outside of which nothing was taken, by reason",
            ),
        })
    }

    /// Whether nobody may send.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inbound.is_closed()
    }

    /// Takes the events of a request, all of them or none.
    ///
    /// # Errors
    /// Why nothing of it was taken.
    pub async fn receive(&self, request: Request) -> Result<Taken, Declined> {
        let received = self.read(request).await;
        match &received {
            Ok(outcomes) => {
                for outcome in outcomes {
                    self.events.add(1, &[KeyValue::new("outcome", outcome.name())]);
                }
            }
            Err(declined) => self.declined.add(1, &[KeyValue::new("reason", declined.code())]),
        }
        received.map(|outcomes| Taken::of(&outcomes))
    }

    /// Answers a sender that asks before it sends.
    #[must_use]
    pub fn consent(&self, headers: &HeaderMap) -> Consent {
        let origin = headers.get(answer::ORIGIN).and_then(|origin| origin.to_str().ok());
        Consent::of(self.inbound.consent(origin))
    }

    async fn read(&self, request: Request) -> Result<Vec<Outcome>, Declined> {
        let (parts, body) = request.into_parts();
        if self.is_closed() {
            return Err(Declined::Closed);
        }
        let too_large = || {
            let detail = format!("a body may have at most {MOST_BODY} bytes");
            Declined::Unreadable(Unreadable::TooLarge(detail))
        };
        // Before it is read at all, if it says so.
        let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok());
        if announced.and_then(|n| n.parse().ok()).is_some_and(|n: usize| n > MOST_BODY) {
            return Err(too_large());
        }
        let body = to_bytes(body, MOST_BODY).await.map_err(|_| too_large())?;
        let headers: Vec<(&str, &[u8])> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let message = Message { headers: &headers, body: &body };
        self.inbound.receive(&message, SystemClock.now()).await
    }
}
