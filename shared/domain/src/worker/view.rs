//! A worker as others see it: the form of the REST API, of snapshots and of event payloads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Controller, Drift, Metrics, Operation, Origin, Power, PowerHistory, Service, Stage, Worker,
    WorkerState,
};
use crate::{
    Account, Activity, Author, IdleVerdict, ImageId, InstanceId, InstanceType, License, Region,
    Timestamp, WorkerId,
};

/// The image of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the REST API")]
pub struct ImageView {
    pub id: Option<ImageId>,
    pub name: Option<String>,
}

/// Addresses of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the REST API")]
pub struct Addresses {
    pub public: Option<String>,
    pub private: Option<String>,
}

/// What is wanted of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the REST API")]
pub struct Want {
    pub power: Power,
    pub tags: BTreeMap<String, String>,
    pub detailed_monitoring: Option<bool>,
    pub idle_enabled: Option<bool>,
    pub idle_timeout_s: Option<u64>,
    pub extended_until: Option<Timestamp>,
    pub cml_version: Option<String>,
}

/// A worker as others see it; absent values are `null`, never left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the REST API")]
pub struct WorkerView {
    pub id: WorkerId,
    pub rev: u64,
    pub spec_rev: u64,
    pub name: String,
    pub region: Region,
    pub account: Account,
    pub origin: Origin,
    pub instance_id: Option<InstanceId>,
    pub instance_type: Option<InstanceType>,
    pub ami: ImageView,
    pub state: WorkerState,
    pub state_since: Timestamp,
    pub state_reason: Option<String>,
    pub stages: Vec<Stage>,
    pub service: Service,
    pub service_since: Timestamp,
    pub endpoint: Option<String>,
    pub addresses: Addresses,
    pub tags: BTreeMap<String, String>,
    pub detailed_monitoring: Option<bool>,
    pub cml: Controller,
    pub license: License,
    pub metrics: Metrics,
    pub activity: Activity,
    pub idle: Option<IdleVerdict>,
    pub power: PowerHistory,
    pub drift: Option<Drift>,
    pub want: Want,
    pub operation: Option<Operation>,
    pub seen_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub created_by: Author,
    pub updated_at: Timestamp,
}

impl Worker {
    /// Returns the worker as others see it. The operation is the open one, else the newest.
    #[must_use]
    pub fn view(&self) -> WorkerView {
        let instance = self.status.instance.as_ref();
        let open = self.open_power().or_else(|| self.open_license());
        let mut operation = open.or_else(|| self.operations.first()).cloned();
        if let Some(operation) = &mut operation {
            // Where a secret is kept is nobody's business.
            operation.secret = None;
            operation.traceparent = None;
        }
        WorkerView {
            id: self.id,
            rev: self.rev,
            spec_rev: self.spec_rev,
            name: self.name.clone(),
            region: self.scope.region.clone(),
            account: self.scope.account.clone(),
            origin: self.origin,
            instance_id: instance.map(|i| i.id.clone()),
            instance_type: instance
                .map(|i| i.instance_type.clone())
                .or_else(|| self.spec.instance_type.clone()),
            ami: ImageView {
                id: instance
                    .and_then(|i| i.image_id.clone())
                    .or_else(|| self.spec.image.id.clone()),
                name: instance
                    .and_then(|i| i.image_name.clone())
                    .or_else(|| self.spec.image.name.clone()),
            },
            state: self.status.state,
            state_since: self.status.state_since,
            state_reason: self.status.state_reason.clone(),
            stages: self.status.stages.clone(),
            service: self.status.service,
            service_since: self.status.service_since,
            endpoint: self.status.endpoint.clone(),
            addresses: Addresses {
                public: instance.and_then(|i| i.public_ip.clone()),
                private: instance.and_then(|i| i.private_ip.clone()),
            },
            tags: self.status.tags.clone(),
            detailed_monitoring: instance.map(|i| i.detailed_monitoring),
            cml: self.status.cml.clone(),
            license: self.status.license.clone(),
            metrics: self.status.metrics,
            activity: self.status.activity.clone(),
            idle: self.status.idle.clone(),
            power: self.status.power.clone(),
            drift: self.status.drift.clone(),
            want: self.want(),
            operation,
            seen_at: self.status.seen_at,
            created_at: self.created_at,
            created_by: self.created_by.clone(),
            updated_at: self.updated_at,
        }
    }

    fn want(&self) -> Want {
        Want {
            power: self.spec.power,
            tags: self.spec.tags.clone(),
            detailed_monitoring: self.spec.detailed_monitoring,
            idle_enabled: self.spec.idle.enabled,
            idle_timeout_s: self.spec.idle.timeout_s,
            extended_until: self.spec.extended_until,
            cml_version: self.spec.cml_version.clone(),
        }
    }
}
