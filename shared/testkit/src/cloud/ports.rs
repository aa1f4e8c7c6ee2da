//! The model behind the ports, in process.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ccm_domain::{CpuReading, Image, ImageQuery, Instance, InstanceId, Scope, Timestamp};
use ccm_ports::{Compute, LaunchOrder, Measure, RemoteError};

use super::{Cloud, CloudError};

#[async_trait]
impl Compute for Cloud {
    async fn sweep(&self, scope: &Scope) -> Result<Vec<Instance>, RemoteError> {
        // Two calls, as against EC2, so that counters and faults see the same.
        self.admit(scope, "DescribeInstanceStatus").await?;
        let seen = self.describe_instances(scope).await?;
        Ok(seen.into_iter().map(|machine| machine.instance).collect())
    }

    async fn look(&self, scope: &Scope, ids: &[InstanceId]) -> Result<Vec<Instance>, RemoteError> {
        let all = self.sweep(scope).await?;
        Ok(all.into_iter().filter(|instance| ids.contains(&instance.id)).collect())
    }

    async fn find_images(
        &self,
        scope: &Scope,
        query: &ImageQuery,
    ) -> Result<Vec<Image>, RemoteError> {
        Ok(self.describe_images(scope, query).await?)
    }

    async fn launch(&self, scope: &Scope, order: &LaunchOrder) -> Result<Instance, RemoteError> {
        let launched = self.run_instances(scope, order, 1).await?;
        launched
            .into_iter()
            .next()
            .map(|machine| machine.instance)
            .ok_or_else(|| RemoteError::Unexpected("a launch without an instance".to_owned()))
    }

    async fn start(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        self.start_instances(scope, std::slice::from_ref(id)).await?;
        Ok(())
    }

    async fn stop(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        self.stop_instances(scope, std::slice::from_ref(id)).await?;
        Ok(())
    }

    async fn terminate(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        match self.terminate_instances(scope, std::slice::from_ref(id)).await {
            Ok(_) | Err(CloudError::NoInstance(_)) => Ok(()),
            Err(err) => Err(err.into()),
        }
    }

    async fn tag(
        &self,
        scope: &Scope,
        id: &InstanceId,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Result<(), RemoteError> {
        let ids = std::slice::from_ref(id);
        if !set.is_empty() {
            self.create_tags(scope, ids, set).await?;
        }
        if !remove.is_empty() {
            let remove = remove.iter().map(|key| (key.clone(), None)).collect();
            self.delete_tags(scope, ids, &remove).await?;
        }
        Ok(())
    }

    async fn monitor(&self, scope: &Scope, id: &InstanceId, on: bool) -> Result<(), RemoteError> {
        Ok(self.monitor_instances(scope, std::slice::from_ref(id), on).await?)
    }
}

#[async_trait]
impl Measure for Cloud {
    async fn cpu(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<CpuReading>, RemoteError> {
        let mut newest = Vec::new();
        for batch in ids.chunks(500) {
            let series = self.cpu_series(scope, batch, from, to).await?;
            newest.extend(batch.iter().zip(series).filter_map(|(id, points)| {
                let (at, percent) = *points.last()?;
                Some(CpuReading { instance: id.clone(), percent, at })
            }));
        }
        Ok(newest)
    }
}
