//! AWS and the controllers with every call timed and counted by how it ended, and told in the trace that it is of.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ccm_app::Remotes;
use ccm_domain::cml::{
    ControllerFacts, ControllerLoad, Deregistered, LabAction, LabSeen, LicenseSeen, TelemetryFeed,
};
use ccm_domain::{CpuReading, Image, ImageQuery, Instance, InstanceId, LabId, Scope, Timestamp};
use ccm_ports::{CmlApi, Compute, Controller, LaunchOrder, Measure, RemoteError};
use ccm_telemetry::{KeyValue, Meter, Span, SpanKind, Tracer, covered, propagate};
use opentelemetry::metrics::Histogram;
use secrecy::SecretString;
use tokio::time::Instant;

type Answer<T> = Result<T, RemoteError>;

/// Returns the same remotes, measured.
pub(crate) fn measured(remotes: Remotes, meter: &Meter, tracer: &Tracer) -> Remotes {
    let seconds = meter
        .f64_histogram("ccm_remote_call_seconds")
        .with_description(
            "Calls to ec2, cloudwatch and cml (api), by what was asked (call) and how it ended (outcome: ok, \
             throttled, unavailable, …); the retries of AWS's own client are within one call",
        )
        .build();
    let calls = |api| Calls { api, seconds: seconds.clone(), tracer: tracer.clone() };
    let Remotes { compute, measure, cml, publisher, scopes, endpoint } = remotes;
    Remotes {
        compute: Arc::new(Measured { inner: compute, calls: calls("ec2") }),
        measure: Arc::new(Measured { inner: measure, calls: calls("cloudwatch") }),
        cml: Arc::new(Measured { inner: cml, calls: calls("cml") }),
        publisher,
        scopes,
        endpoint,
    }
}

struct Measured<T: ?Sized> {
    inner: Arc<T>,
    calls: Calls,
}

struct Calls {
    api: &'static str,
    seconds: Histogram<f64>,
    tracer: Tracer,
}

/// Whom a call is to.
trait Callee {
    fn tell(&self, span: &Span);
}

impl Callee for Scope {
    fn tell(&self, span: &Span) {
        span.set("cloud.account.id", self.account.to_string());
        span.set("cloud.region", self.region.to_string());
    }
}

impl Callee for Controller {
    fn tell(&self, span: &Span) {
        span.set("worker.id", self.worker.to_string());
    }
}

impl Calls {
    /// Waits for an answer. A call that nobody waits for any more is not counted.
    async fn time<T>(
        &self,
        call: &'static str,
        callee: &impl Callee,
        answer: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        let began = Instant::now();
        let span = self.trace(call, callee);
        let answer = covered(span.as_ref(), answer).await;
        let outcome = answer.as_ref().map_or_else(RemoteError::word, |_| "ok");
        if let (Some(span), Err(_)) = (&span, &answer) {
            span.fail(outcome);
        }
        let labels = [
            KeyValue::new("api", self.api),
            KeyValue::new("call", call),
            KeyValue::new("outcome", outcome),
        ];
        self.seconds.record(began.elapsed().as_secs_f64(), &labels);
        answer
    }

    /// Begins the span of a call; none where nobody is told of it, or nothing is known that it is for.
    fn trace(&self, call: &'static str, callee: &impl Callee) -> Option<Span> {
        if !self.tracer.is_on() || propagate::current().is_none() {
            return None;
        }
        let span = self.tracer.span(format!("{} {call}", self.api)).kind(SpanKind::Client);
        let span = span.with("rpc.service", self.api).with("rpc.method", call).start();
        callee.tell(&span);
        Some(span)
    }
}

#[async_trait]
impl Compute for Measured<dyn Compute> {
    async fn sweep(&self, scope: &Scope) -> Answer<Vec<Instance>> {
        self.calls.time("sweep", scope, self.inner.sweep(scope)).await
    }

    async fn look(&self, scope: &Scope, ids: &[InstanceId]) -> Answer<Vec<Instance>> {
        self.calls.time("look", scope, self.inner.look(scope, ids)).await
    }

    async fn find_images(&self, scope: &Scope, query: &ImageQuery) -> Answer<Vec<Image>> {
        self.calls.time("find_images", scope, self.inner.find_images(scope, query)).await
    }

    async fn launch(&self, scope: &Scope, order: &LaunchOrder) -> Answer<Instance> {
        self.calls.time("launch", scope, self.inner.launch(scope, order)).await
    }

    async fn start(&self, scope: &Scope, id: &InstanceId) -> Answer<()> {
        self.calls.time("start", scope, self.inner.start(scope, id)).await
    }

    async fn stop(&self, scope: &Scope, id: &InstanceId) -> Answer<()> {
        self.calls.time("stop", scope, self.inner.stop(scope, id)).await
    }

    async fn terminate(&self, scope: &Scope, id: &InstanceId) -> Answer<()> {
        self.calls.time("terminate", scope, self.inner.terminate(scope, id)).await
    }

    async fn tag(
        &self,
        scope: &Scope,
        id: &InstanceId,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Answer<()> {
        self.calls.time("tag", scope, self.inner.tag(scope, id, set, remove)).await
    }

    async fn monitor(&self, scope: &Scope, id: &InstanceId, on: bool) -> Answer<()> {
        self.calls.time("monitor", scope, self.inner.monitor(scope, id, on)).await
    }
}

#[async_trait]
impl Measure for Measured<dyn Measure> {
    async fn cpu(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        from: Timestamp,
        to: Timestamp,
    ) -> Answer<Vec<CpuReading>> {
        self.calls.time("cpu", scope, self.inner.cpu(scope, ids, from, to)).await
    }
}

#[async_trait]
impl CmlApi for Measured<dyn CmlApi> {
    async fn facts(&self, at: &Controller) -> Answer<ControllerFacts> {
        self.calls.time("facts", at, self.inner.facts(at)).await
    }

    async fn load(&self, at: &Controller) -> Answer<ControllerLoad> {
        self.calls.time("load", at, self.inner.load(at)).await
    }

    async fn labs(&self, at: &Controller) -> Answer<Vec<LabSeen>> {
        self.calls.time("labs", at, self.inner.labs(at)).await
    }

    async fn lab(&self, at: &Controller, lab: &LabId) -> Answer<LabSeen> {
        self.calls.time("lab", at, self.inner.lab(at, lab)).await
    }

    async fn import_lab(&self, at: &Controller, yaml: &str) -> Answer<LabId> {
        self.calls.time("import_lab", at, self.inner.import_lab(at, yaml)).await
    }

    async fn download_lab(&self, at: &Controller, lab: &LabId) -> Answer<String> {
        self.calls.time("download_lab", at, self.inner.download_lab(at, lab)).await
    }

    async fn act(&self, at: &Controller, lab: &LabId, action: LabAction) -> Answer<()> {
        self.calls.time("act", at, self.inner.act(at, lab, action)).await
    }

    async fn license(&self, at: &Controller) -> Answer<LicenseSeen> {
        self.calls.time("license", at, self.inner.license(at)).await
    }

    async fn set_product(&self, at: &Controller, product: &str) -> Answer<()> {
        self.calls.time("set_product", at, self.inner.set_product(at, product)).await
    }

    async fn register(
        &self,
        at: &Controller,
        token: &SecretString,
        reregister: bool,
    ) -> Answer<()> {
        self.calls.time("register", at, self.inner.register(at, token, reregister)).await
    }

    async fn deregister(&self, at: &Controller) -> Answer<Deregistered> {
        self.calls.time("deregister", at, self.inner.deregister(at)).await
    }

    async fn telemetry(&self, at: &Controller) -> Answer<TelemetryFeed> {
        self.calls.time("telemetry", at, self.inner.telemetry(at)).await
    }
}
