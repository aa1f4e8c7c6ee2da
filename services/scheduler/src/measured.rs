//! AWS and the controllers with every call timed and counted by how it ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ccm_app::Remotes;
use ccm_domain::cml::{
    ControllerFacts, ControllerLoad, Deregistered, LabAction, LabSeen, LicenseSeen, TelemetryFeed,
};
use ccm_domain::{CpuReading, Image, ImageQuery, Instance, InstanceId, LabId, Scope, Timestamp};
use ccm_ports::{CmlApi, Compute, Controller, LaunchOrder, Measure, RemoteError};
use ccm_telemetry::{KeyValue, Meter};
use opentelemetry::metrics::Histogram;
use secrecy::SecretString;
use tokio::time::Instant;

type Answer<T> = Result<T, RemoteError>;

/// Returns the same remotes, measured.
pub(crate) fn measured(remotes: Remotes, meter: &Meter) -> Remotes {
    let seconds = meter
        .f64_histogram("ccm_remote_call_seconds")
        .with_description(
            "Calls to ec2, cloudwatch and cml (api), by what was asked (call) and how it ended (outcome: ok, \
             throttled, unavailable, …); the retries of AWS's own client are within one call",
        )
        .build();
    let calls = |api| Calls { api, seconds: seconds.clone() };
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
}

impl Calls {
    /// Waits for an answer. A call that nobody waits for any more is not counted.
    async fn time<T>(
        &self,
        call: &'static str,
        answer: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        let began = Instant::now();
        let answer = answer.await;
        let labels = [
            KeyValue::new("api", self.api),
            KeyValue::new("call", call),
            KeyValue::new("outcome", answer.as_ref().map_or_else(RemoteError::word, |_| "ok")),
        ];
        self.seconds.record(began.elapsed().as_secs_f64(), &labels);
        answer
    }
}

#[async_trait]
impl Compute for Measured<dyn Compute> {
    async fn sweep(&self, scope: &Scope) -> Answer<Vec<Instance>> {
        self.calls.time("sweep", self.inner.sweep(scope)).await
    }

    async fn look(&self, scope: &Scope, ids: &[InstanceId]) -> Answer<Vec<Instance>> {
        self.calls.time("look", self.inner.look(scope, ids)).await
    }

    async fn find_images(&self, scope: &Scope, query: &ImageQuery) -> Answer<Vec<Image>> {
        self.calls.time("find_images", self.inner.find_images(scope, query)).await
    }

    async fn launch(&self, scope: &Scope, order: &LaunchOrder) -> Answer<Instance> {
        self.calls.time("launch", self.inner.launch(scope, order)).await
    }

    async fn start(&self, scope: &Scope, id: &InstanceId) -> Answer<()> {
        self.calls.time("start", self.inner.start(scope, id)).await
    }

    async fn stop(&self, scope: &Scope, id: &InstanceId) -> Answer<()> {
        self.calls.time("stop", self.inner.stop(scope, id)).await
    }

    async fn terminate(&self, scope: &Scope, id: &InstanceId) -> Answer<()> {
        self.calls.time("terminate", self.inner.terminate(scope, id)).await
    }

    async fn tag(
        &self,
        scope: &Scope,
        id: &InstanceId,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Answer<()> {
        self.calls.time("tag", self.inner.tag(scope, id, set, remove)).await
    }

    async fn monitor(&self, scope: &Scope, id: &InstanceId, on: bool) -> Answer<()> {
        self.calls.time("monitor", self.inner.monitor(scope, id, on)).await
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
        self.calls.time("cpu", self.inner.cpu(scope, ids, from, to)).await
    }
}

#[async_trait]
impl CmlApi for Measured<dyn CmlApi> {
    async fn facts(&self, at: &Controller) -> Answer<ControllerFacts> {
        self.calls.time("facts", self.inner.facts(at)).await
    }

    async fn load(&self, at: &Controller) -> Answer<ControllerLoad> {
        self.calls.time("load", self.inner.load(at)).await
    }

    async fn labs(&self, at: &Controller) -> Answer<Vec<LabSeen>> {
        self.calls.time("labs", self.inner.labs(at)).await
    }

    async fn lab(&self, at: &Controller, lab: &LabId) -> Answer<LabSeen> {
        self.calls.time("lab", self.inner.lab(at, lab)).await
    }

    async fn import_lab(&self, at: &Controller, yaml: &str) -> Answer<LabId> {
        self.calls.time("import_lab", self.inner.import_lab(at, yaml)).await
    }

    async fn download_lab(&self, at: &Controller, lab: &LabId) -> Answer<String> {
        self.calls.time("download_lab", self.inner.download_lab(at, lab)).await
    }

    async fn act(&self, at: &Controller, lab: &LabId, action: LabAction) -> Answer<()> {
        self.calls.time("act", self.inner.act(at, lab, action)).await
    }

    async fn license(&self, at: &Controller) -> Answer<LicenseSeen> {
        self.calls.time("license", self.inner.license(at)).await
    }

    async fn set_product(&self, at: &Controller, product: &str) -> Answer<()> {
        self.calls.time("set_product", self.inner.set_product(at, product)).await
    }

    async fn register(
        &self,
        at: &Controller,
        token: &SecretString,
        reregister: bool,
    ) -> Answer<()> {
        self.calls.time("register", self.inner.register(at, token, reregister)).await
    }

    async fn deregister(&self, at: &Controller) -> Answer<Deregistered> {
        self.calls.time("deregister", self.inner.deregister(at)).await
    }

    async fn telemetry(&self, at: &Controller) -> Answer<TelemetryFeed> {
        self.calls.time("telemetry", self.inner.telemetry(at)).await
    }
}
