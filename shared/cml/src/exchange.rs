//! One request and its answer: address, token, time limit, size limit, breaker.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ccm_domain::Timestamp;
use ccm_ports::{Controller, RemoteError};
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::CmlClient;
use crate::breaker::{Outcome, outcome_of};
use crate::error::{self, Failure};
use crate::session::Token;
use crate::worker::Worker;

/// A request before it has an address and a token.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: &'a [(&'a str, &'a str)],
    body: Body<'a>,
    limit: Duration,
    largest: usize,
}

#[derive(Clone)]
enum Body<'a> {
    None,
    Json(Value),
    Text(&'a str),
}

/// Bodies hold passwords and licence tokens.
impl std::fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

/// An answer with a status of 2xx.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// The account that asked, when its token tells.
    pub(crate) user: Option<String>,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(client: &CmlClient, path: &[&'a str]) -> Self {
        Self::new(client, Method::GET, path)
    }

    pub(crate) fn new(client: &CmlClient, method: Method, path: &[&'a str]) -> Self {
        let options = &client.inner.options;
        Self {
            method,
            path: path.to_vec(),
            query: &[],
            body: Body::None,
            limit: options.timeouts.call,
            largest: options.largest_answer,
        }
    }

    pub(crate) const fn query(mut self, query: &'a [(&'a str, &'a str)]) -> Self {
        self.query = query;
        self
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(crate) fn text(mut self, body: &'a str) -> Self {
        self.body = Body::Text(body);
        self
    }

    pub(crate) const fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub(crate) const fn up_to(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }
}

impl Answer {
    /// Reads JSON; what cannot be read is not quoted.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|err| error::unexpected(format!("the answer cannot be read: {err}")))
    }

    pub(crate) fn into_text(self) -> Result<String, Failure> {
        String::from_utf8(self.body.into()).map_err(|_| error::unexpected("the answer is no text"))
    }

    /// Returns what the controller's clock showed when it answered.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        let date = self.headers.get(DATE)?.to_str().ok()?;
        let at = jiff::fmt::rfc2822::parse(date).ok()?;
        Some(Timestamp::from_millis(at.timestamp().as_millisecond()))
    }
}

impl CmlClient {
    /// Asks without a login.
    pub(crate) async fn ask_openly<T>(
        &self,
        at: &Controller,
        ask: &Ask<'_>,
        read: impl FnOnce(Answer) -> Result<T, Failure> + Send,
    ) -> Result<T, RemoteError> {
        let worker = self.inner.workers.of(at);
        worker.admit()?;
        let outcome = self.send(at, ask, None).await.and_then(checked).and_then(read);
        self.conclude(&worker, outcome)
    }

    /// Asks as the fleet's user; logs in when needed, once more when the token is refused.
    pub(crate) async fn ask<T>(
        &self,
        at: &Controller,
        ask: &Ask<'_>,
        read: impl FnOnce(Answer) -> Result<T, Failure> + Send,
    ) -> Result<T, RemoteError> {
        let worker = self.inner.workers.of(at);
        worker.admit()?;
        let token = self.token(at, &worker, None).await?;
        let mut outcome = self.send(at, ask, Some(&token)).await;
        if matches!(&outcome, Ok(answer) if answer.status == StatusCode::UNAUTHORIZED) {
            let token = self.token(at, &worker, Some(&token)).await?;
            outcome = self.send(at, ask, Some(&token)).await;
        }
        self.conclude(&worker, outcome.and_then(checked).and_then(read))
    }

    fn conclude<T>(&self, worker: &Worker, outcome: Result<T, Failure>) -> Result<T, RemoteError> {
        let seen = match &outcome {
            Ok(_) => Outcome::Answered,
            Err(failure) => outcome_of(&failure.error, failure.was_quick),
        };
        worker.note(seen, &self.inner.options.breaker);
        outcome.map_err(|failure| failure.error)
    }

    async fn token(
        &self,
        at: &Controller,
        worker: &Worker,
        refused: Option<&Token>,
    ) -> Result<Token, RemoteError> {
        worker.session.token(refused, self.log_in(at, worker)).await
    }

    async fn log_in(&self, at: &Controller, worker: &Worker) -> Result<String, RemoteError> {
        let login = self.inner.options.login_of(at.worker);
        let password = login.password.expose_secret();
        let body = json!({ "username": login.username, "password": password });
        let ask = Ask::new(self, Method::POST, &["authenticate"]).json(body);
        let outcome = self.send(at, &ask, None).await.and_then(checked);
        let token = outcome.and_then(|answer| answer.json::<String>());
        let token = self.conclude(worker, token).map_err(|err| error::without(err, password));
        let error = token.as_ref().err().map(|err| err as &dyn std::error::Error);
        tracing::debug!(worker.id = %at.worker, error, "asked {} for a token", at.endpoint);
        token
    }

    /// Sends a request and reads the whole answer, whatever its status.
    async fn send(
        &self,
        at: &Controller,
        ask: &Ask<'_>,
        token: Option<&Token>,
    ) -> Result<Answer, Failure> {
        let url = address(at, ask)?;
        let mut request = self.inner.http.request(ask.method.clone(), url);
        request = match &ask.body {
            Body::None => request,
            Body::Json(body) => request.json(body),
            // Without a content type, as CML's own client sends topologies.
            Body::Text(text) => request.body((*text).to_owned()),
        };
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, bearer(&token.text)?);
        }
        let exchange = async {
            let response = request.send().await.map_err(|err| error::transport(&err))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = collect(response, ask.largest).await?;
            let user = token.and_then(|token| token.user.clone());
            Ok(Answer { status, headers, body, user })
        };
        let answer = tokio::time::timeout(ask.limit, exchange).await.unwrap_or_else(|_| {
            let text = format!("no answer within {} ms", ask.limit.as_millis());
            Err(Failure::costly(RemoteError::Unavailable(text)))
        });
        tracing::trace!(
            worker.id = %at.worker,
            http.status = answer.as_ref().ok().map(|answer| answer.status.as_u16()),
            "{} {}",
            ask.method,
            ask.path.join("/")
        );
        answer
    }
}

/// Turns a status other than 2xx into a failure.
pub(crate) fn checked(answer: Answer) -> Result<Answer, Failure> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    Err(error::status(answer.status, &answer.headers, &answer.body))
}

fn address(at: &Controller, ask: &Ask<'_>) -> Result<Url, Failure> {
    let invalid = |why: &str| {
        Failure::quick(RemoteError::Invalid(format!("endpoint {}: {why}", at.endpoint)))
    };
    let mut url: Url = at.endpoint.parse().map_err(|_| invalid("is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("is neither http nor https"));
    }
    if ask.path.iter().any(|part| matches!(*part, "." | ".." | "")) {
        return Err(Failure::quick(RemoteError::Invalid("that is no id".to_owned())));
    }
    url.path_segments_mut()
        .map_err(|()| invalid("has no path"))?
        .pop_if_empty()
        .extend(["api", "v0"])
        .extend(&ask.path);
    if !ask.query.is_empty() {
        url.query_pairs_mut().extend_pairs(ask.query);
    }
    Ok(url)
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| error::unexpected("the token cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

async fn collect(mut response: reqwest::Response, largest: usize) -> Result<Bytes, Failure> {
    let too_large = || error::unexpected(format!("the answer is larger than {largest} bytes"));
    let told = response.content_length().and_then(|length| usize::try_from(length).ok());
    if told.is_some_and(|length| length > largest) {
        return Err(too_large());
    }
    let mut body = BytesMut::with_capacity(told.unwrap_or(0).min(64 * 1024));
    while let Some(chunk) = response.chunk().await.map_err(|err| error::transport(&err))? {
        if body.len() + chunk.len() > largest {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
