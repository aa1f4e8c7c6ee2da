//! A leader that is lost at one chosen call to the world outside: before it, or right after it took effect.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ccm_app::Remotes;
use ccm_domain::cml::{
    ControllerFacts, ControllerLoad, Deregistered, LabAction, LabSeen, LicenseSeen, TelemetryFeed,
};
use ccm_domain::{Image, ImageQuery, Instance, InstanceId, LabId, Scope, WorkerId};
use ccm_ports::{CmlApi, Compute, Controller, LaunchOrder, RemoteError};
use secrecy::SecretString;
use tokio::sync::Notify;

use crate::world::World;

/// Between two looks: long, since each call on the way is one more place to be lost at.
const PAUSE: Duration = Duration::from_secs(20);

/// Where the leader is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// The world outside, as a leader sees it that is lost at one call.
pub(crate) struct Fragile {
    compute: Arc<dyn Compute>,
    cml: Arc<dyn CmlApi>,
    calls: AtomicUsize,
    lost_at: (usize, Moment),
    lost: Notify,
    /// How often a licence was asked for.
    pub(crate) registrations: AtomicUsize,
}

impl Fragile {
    fn new(remotes: &Remotes, nth: usize, moment: Moment) -> Arc<Self> {
        Arc::new(Self {
            compute: Arc::clone(&remotes.compute),
            cml: Arc::clone(&remotes.cml),
            calls: AtomicUsize::new(0),
            lost_at: (nth, moment),
            lost: Notify::new(),
            registrations: AtomicUsize::new(0),
        })
    }

    async fn pass<T>(&self, call: impl Future<Output = T>) -> T {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        if nth != self.lost_at.0 {
            return call.await;
        }
        if self.lost_at.1 == Moment::After {
            call.await;
        }
        self.lost.notify_one();
        std::future::pending().await
    }
}

/// Lets a worker's operation come to its end under a leader that is lost at the given call, and the next.
///
/// Returns how often licences were asked for, or none when there was no such call.
pub(crate) async fn survive(
    world: &World,
    id: WorkerId,
    nth: usize,
    moment: Moment,
) -> Option<usize> {
    survive_from(world, id, nth, moment, 2).await
}

/// As [`survive`], in the given term and the one behind it.
pub(crate) async fn survive_from(
    world: &World,
    id: WorkerId,
    nth: usize,
    moment: Moment,
    term: u64,
) -> Option<usize> {
    let fragile = Fragile::new(&world.remotes, nth, moment);
    let mut remotes = world.remotes.clone();
    remotes.compute = Arc::clone(&fragile) as _;
    remotes.cml = Arc::clone(&fragile) as _;
    world.seal(term).await;
    let first = world.ops_with(term, remotes.clone());
    let most = Duration::from_secs(25 * 60);
    let was_lost = tokio::select! {
        _ = world.drive_by(PAUSE, &first, id, most) => false,
        () = fragile.lost.notified() => true,
    };
    world.seal(term + 1).await;
    // The next leader takes a moment to come.
    world.clock.advance(Duration::from_secs(8));
    world.drive_by(PAUSE, &world.ops_with(term + 1, remotes), id, most).await;
    was_lost.then(|| fragile.registrations.load(Ordering::SeqCst))
}

#[async_trait]
impl Compute for Fragile {
    async fn sweep(&self, scope: &Scope) -> Result<Vec<Instance>, RemoteError> {
        self.pass(self.compute.sweep(scope)).await
    }

    async fn look(&self, scope: &Scope, ids: &[InstanceId]) -> Result<Vec<Instance>, RemoteError> {
        self.pass(self.compute.look(scope, ids)).await
    }

    async fn find_images(
        &self,
        scope: &Scope,
        query: &ImageQuery,
    ) -> Result<Vec<Image>, RemoteError> {
        self.pass(self.compute.find_images(scope, query)).await
    }

    async fn launch(&self, scope: &Scope, order: &LaunchOrder) -> Result<Instance, RemoteError> {
        self.pass(self.compute.launch(scope, order)).await
    }

    async fn start(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        self.pass(self.compute.start(scope, id)).await
    }

    async fn stop(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        self.pass(self.compute.stop(scope, id)).await
    }

    async fn terminate(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        self.pass(self.compute.terminate(scope, id)).await
    }

    async fn tag(
        &self,
        scope: &Scope,
        id: &InstanceId,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Result<(), RemoteError> {
        self.pass(self.compute.tag(scope, id, set, remove)).await
    }

    async fn monitor(&self, scope: &Scope, id: &InstanceId, on: bool) -> Result<(), RemoteError> {
        self.pass(self.compute.monitor(scope, id, on)).await
    }
}

#[async_trait]
impl CmlApi for Fragile {
    async fn facts(&self, at: &Controller) -> Result<ControllerFacts, RemoteError> {
        self.pass(self.cml.facts(at)).await
    }

    async fn load(&self, at: &Controller) -> Result<ControllerLoad, RemoteError> {
        self.pass(self.cml.load(at)).await
    }

    async fn labs(&self, at: &Controller) -> Result<Vec<LabSeen>, RemoteError> {
        self.pass(self.cml.labs(at)).await
    }

    async fn lab(&self, at: &Controller, lab: &LabId) -> Result<LabSeen, RemoteError> {
        self.pass(self.cml.lab(at, lab)).await
    }

    async fn import_lab(&self, at: &Controller, yaml: &str) -> Result<LabId, RemoteError> {
        self.pass(self.cml.import_lab(at, yaml)).await
    }

    async fn download_lab(&self, at: &Controller, lab: &LabId) -> Result<String, RemoteError> {
        self.pass(self.cml.download_lab(at, lab)).await
    }

    async fn act(&self, at: &Controller, lab: &LabId, act: LabAction) -> Result<(), RemoteError> {
        self.pass(self.cml.act(at, lab, act)).await
    }

    async fn license(&self, at: &Controller) -> Result<LicenseSeen, RemoteError> {
        self.pass(self.cml.license(at)).await
    }

    async fn set_product(&self, at: &Controller, product: &str) -> Result<(), RemoteError> {
        self.pass(self.cml.set_product(at, product)).await
    }

    async fn register(
        &self,
        at: &Controller,
        token: &SecretString,
        again: bool,
    ) -> Result<(), RemoteError> {
        let counted = async {
            self.registrations.fetch_add(1, Ordering::SeqCst);
            self.cml.register(at, token, again).await
        };
        self.pass(counted).await
    }

    async fn deregister(&self, at: &Controller) -> Result<Deregistered, RemoteError> {
        self.pass(self.cml.deregister(at)).await
    }

    async fn telemetry(&self, at: &Controller) -> Result<TelemetryFeed, RemoteError> {
        self.pass(self.cml.telemetry(at)).await
    }
}
