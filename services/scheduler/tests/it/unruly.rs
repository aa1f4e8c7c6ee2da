//! EC2 that hangs, panics or fails when a test says so; else the modelled one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ccm_domain::{Image, ImageQuery, Instance, InstanceId, Region, Scope};
use ccm_ports::{Compute, LaunchOrder, RemoteError};
use tokio::sync::Semaphore;

/// How one look at instances goes.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    Well,
    Hangs,
    Panics,
    Fails,
}

/// EC2 with moods: one for each look, the last one for all further looks.
pub(crate) struct Unruly {
    inner: Arc<dyn Compute>,
    moods: Mutex<VecDeque<Mood>>,
    /// Regions with a mood of their own.
    regions: Mutex<BTreeMap<Region, Mood>>,
    /// Grows when a look begins to hang.
    pub(crate) hanging: Semaphore,
}

impl Unruly {
    pub(crate) fn new(inner: Arc<dyn Compute>) -> Arc<Self> {
        let (moods, regions) = (Mutex::default(), Mutex::default());
        Arc::new(Self { inner, moods, regions, hanging: Semaphore::new(0) })
    }

    pub(crate) fn will(&self, moods: &[Mood]) {
        *self.moods.lock().unwrap() = moods.iter().cloned().collect();
    }

    pub(crate) fn will_in(&self, region: &Region, mood: Mood) {
        self.regions.lock().unwrap().insert(region.clone(), mood);
    }

    /// Waits until a look hangs.
    pub(crate) async fn hangs(&self) {
        self.hanging.acquire().await.unwrap().forget();
    }

    async fn live(&self, scope: &Scope) -> Result<(), RemoteError> {
        let own = self.regions.lock().unwrap().get(&scope.region).cloned();
        let mood = own.or_else(|| {
            let mut moods = self.moods.lock().unwrap();
            if moods.len() > 1 { moods.pop_front() } else { moods.front().cloned() }
        });
        match mood {
            None | Some(Mood::Well) => Ok(()),
            Some(Mood::Hangs) => {
                self.hanging.add_permits(1);
                std::future::pending().await
            }
            Some(Mood::Panics) => panic!("the model was told to"),
            Some(Mood::Fails) => Err(RemoteError::Unavailable("the model was told to".to_owned())),
        }
    }
}

#[async_trait]
impl Compute for Unruly {
    async fn sweep(&self, scope: &Scope) -> Result<Vec<Instance>, RemoteError> {
        self.live(scope).await?;
        self.inner.sweep(scope).await
    }

    async fn look(&self, scope: &Scope, ids: &[InstanceId]) -> Result<Vec<Instance>, RemoteError> {
        self.live(scope).await?;
        self.inner.look(scope, ids).await
    }

    async fn find_images(
        &self,
        scope: &Scope,
        query: &ImageQuery,
    ) -> Result<Vec<Image>, RemoteError> {
        self.inner.find_images(scope, query).await
    }

    async fn launch(&self, scope: &Scope, order: &LaunchOrder) -> Result<Instance, RemoteError> {
        self.inner.launch(scope, order).await
    }

    async fn start(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        self.inner.start(scope, id).await
    }

    async fn stop(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        self.inner.stop(scope, id).await
    }

    async fn terminate(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        self.inner.terminate(scope, id).await
    }

    async fn tag(
        &self,
        scope: &Scope,
        id: &InstanceId,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Result<(), RemoteError> {
        self.inner.tag(scope, id, set, remove).await
    }

    async fn monitor(&self, scope: &Scope, id: &InstanceId, on: bool) -> Result<(), RemoteError> {
        self.inner.monitor(scope, id, on).await
    }
}
