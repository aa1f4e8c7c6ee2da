//! One attempt: a CloudEvent in structured JSON, signed, over HTTP.
//!
//! **Invariant:** nothing of the address but its origin, and no secret, is in what is returned or logged.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use ccm_domain::Timestamp;
use ccm_events::signature;
use ccm_ports::{Clock as _, SystemClock};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode};
use url::Host;

use super::SinkSpec;
use super::address::{Guard, PrivateAddress, is_private};

/// Structured mode of the HTTP binding.
const CLOUD_EVENT: HeaderValue =
    HeaderValue::from_static("application/cloudevents+json; charset=utf-8");

/// Of an answer so much is read that its connection can be used again; what is beyond nobody looks at.
const MOST_OF_AN_ANSWER: usize = 64 << 10;

/// Nobody is waited for longer than this, whatever `Retry-After` says.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// Sends to one sink.
pub(crate) struct Poster {
    spec: SinkSpec,
    client: Client,
}

/// Why an event was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Status of the answer, if there was one.
    pub(crate) status: Option<u16>,
    /// For people.
    pub(crate) reason: String,
    /// The receiver asked for so much time.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// Whether the receiver wants nothing any more.
    pub(crate) fn is_for_good(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }

    fn silent(reason: impl Into<String>) -> Self {
        Self { status: None, reason: reason.into(), retry_after: None }
    }
}

impl Poster {
    /// Makes the client of a sink; each has its own, so that none waits for another's connections.
    ///
    /// # Errors
    /// When the authorities cannot be used.
    pub(crate) fn new(spec: SinkSpec, timeout: Duration) -> reqwest::Result<Self> {
        let mut builder = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout)
            // A redirect would carry the event and its headers to somebody else.
            .redirect(Policy::none())
            .referer(false)
            // A proxy would resolve the name itself, past the guard.
            .no_proxy()
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(1)
            // Sooner than servers close idle connections: their close would race a request.
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent(concat!("ccm-relay/", env!("CARGO_PKG_VERSION")));
        if !spec.allow_private {
            builder = builder.dns_resolver(Guard);
        }
        if let Some(pem) = &spec.authorities {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem)?);
        }
        Ok(Self { client: builder.build()?, spec })
    }

    /// Sends one event; returns the status with which it was taken.
    ///
    /// # Errors
    /// [`Refusal`] when it was not, or nobody knows.
    pub(crate) async fn post(&self, event: &str, json: Bytes) -> Result<u16, Refusal> {
        // Not the fleet's time, which a simulation may bend: the receiver's clock is a real one.
        let now = SystemClock.now();
        // A literal address is not resolved, so the guard does not see it.
        if !self.spec.allow_private && self.literal().is_some_and(is_private) {
            return Err(Refusal::silent(PrivateAddress.to_string()));
        }
        let request = self
            .client
            .post(self.spec.url.clone())
            .headers(self.spec.headers.clone())
            .headers(self.signed(event, &json, now))
            .body(json);
        match request.send().await {
            Ok(answer) => judge(answer, now).await,
            Err(err) => Err(Refusal::silent(reason(&err))),
        }
    }

    fn signed(&self, event: &str, json: &[u8], now: Timestamp) -> HeaderMap {
        let (id, seconds) = (signature::message_id(event), signature::seconds(now));
        let signature = signature::sign(&self.spec.keys, &id, &seconds, json);
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, CLOUD_EVENT)]);
        for (name, value) in [
            (signature::ID, id),
            (signature::TIMESTAMP, seconds),
            (signature::SIGNATURE, signature),
        ] {
            // Digits, letters and base64 always fit.
            if let Ok(value) = HeaderValue::from_str(&value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
        headers
    }

    fn literal(&self) -> Option<IpAddr> {
        match self.spec.url.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(_) => None,
        }
    }
}

async fn judge(mut answer: Response, now: Timestamp) -> Result<u16, Refusal> {
    let status = answer.status();
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| pause_of(value, now));
    let mut left = MOST_OF_AN_ANSWER;
    while let Ok(Some(chunk)) = answer.chunk().await
        && chunk.len() < left
    {
        left -= chunk.len();
    }
    if status.is_success() {
        return Ok(status.as_u16());
    }
    let words = status.canonical_reason().unwrap_or("a status of its own");
    let hint = if status.is_redirection() { "; redirects are not followed" } else { "" };
    let reason = format!("the receiver answered {} {words}{hint}", status.as_u16());
    Err(Refusal { status: Some(status.as_u16()), reason, retry_after })
}

/// Reads `Retry-After`: seconds, or a date.
fn pause_of(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
            Timestamp::from_millis(date).since(now)
        }
    };
    Some(pause.min(LONGEST_RETRY_AFTER))
}

/// Says what went wrong on the way, for people: the innermost cause knows best, and has no address.
fn reason(err: &reqwest::Error) -> String {
    let mut cause = err.source();
    let mut last = None;
    while let Some(next) = cause {
        if let Some(private) = next.downcast_ref::<PrivateAddress>() {
            return private.to_string();
        }
        last = Some(next.to_string());
        cause = next.source();
    }
    if err.is_timeout() {
        return "no answer in time".to_owned();
    }
    let last = last.unwrap_or_else(|| "the request failed".to_owned());
    if err.is_connect() { format!("cannot connect: {last}") } else { format!("no answer: {last}") }
}

impl std::fmt::Debug for Poster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poster").field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        // 1994-11-06T08:49:37Z, the example of RFC 9110.
        let now = Timestamp::from_millis(784_111_777_000);
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("999999999", Some(24 * 3_600)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
        ] {
            let pause = pause_of(&HeaderValue::from_str(text).unwrap(), now);
            assert_eq!(pause, seconds.map(Duration::from_secs), "{text}");
        }
    }
}
