//! Load of the fleet: CloudWatch in batches, the controllers one by one.

use std::collections::HashMap;
use std::time::Duration;

use ccm_domain::worker::ControllerAnswer;
use ccm_domain::{CpuReading, InstanceId, Scope, Worker};
use ccm_events::payload::worker_metrics;
use ccm_ports::{Query, Sample};

use super::reconcile::answer_of;
use super::{FleetOps, Report, controller};
use crate::Result;

/// How far back CloudWatch is asked: readings of basic monitoring come every 5 minutes and late.
const WINDOW: Duration = Duration::from_secs(15 * 60);

impl FleetOps {
    /// Reads CloudWatch for all running workers of a scope that no controller tells about.
    ///
    /// # Errors
    /// When CloudWatch or the store cannot be asked.
    pub async fn measure_scope(&self, scope: &Scope) -> Result<Report> {
        let mut report = Report::default();
        let query = Query::default().is("scope", scope.to_string()).is("state", "running");
        let workers = self.all_workers(query).await?;
        let ids: Vec<InstanceId> =
            workers.iter().filter_map(|w| w.instance_id().cloned()).collect();
        if ids.is_empty() {
            return Ok(report);
        }
        let now = self.fleet.now();
        let readings = self.remotes.measure.cpu(scope, &ids, now.minus(WINDOW), now).await?;
        report.add("cloudwatch", readings.len() as u64);
        let readings: HashMap<&InstanceId, &CpuReading> =
            readings.iter().map(|r| (&r.instance, r)).collect();
        for worker in workers.iter().filter(|w| !w.is_reachable()) {
            let reading = worker.instance_id().and_then(|id| readings.get(id));
            if let Some(reading) = reading {
                self.with_worker(worker.id, |w| w.observe_cpu(reading.percent, reading.at)).await?;
            }
        }
        Ok(report)
    }

    /// Reads one controller: who it is, load, licence; keeps a sample and tells it.
    ///
    /// # Errors
    /// When the store fails; what the controller refuses becomes part of the worker.
    pub async fn measure_worker(&self, worker: &Worker) -> Result<Report> {
        let mut report = Report::default();
        let Some(at) = controller(worker) else { return Ok(report) };
        let facts = self.remotes.cml.facts(&at).await;
        if let Err(err) = &facts {
            report.error(worker.id, err);
        }
        let answer = answer_of(facts);
        if !matches!(answer, ControllerAnswer::Facts(_)) {
            // Noted before anything else is asked, which would hang for as long again.
            let now = self.fleet.now();
            self.with_worker(worker.id, |w| w.observe_controller(&answer, now)).await?;
            return Ok(report);
        }
        let (load, license) =
            tokio::join!(self.remotes.cml.load(&at), self.remotes.cml.license(&at));
        let now = self.fleet.now();
        let (after, ()) = self
            .with_worker(worker.id, |w| {
                w.observe_controller(&answer, now);
                if let Ok(load) = &load {
                    w.observe_load(load, now);
                }
                if let Ok(license) = &license {
                    w.observe_license(license, now);
                }
            })
            .await?;
        match load {
            Ok(load) => {
                let sample = Sample {
                    at: now,
                    cpu: load.cpu,
                    memory: load.memory,
                    disk: load.disk,
                    nodes: Some(load.running_nodes),
                };
                self.fleet.stores.samples.add(worker.id, sample).await?;
                self.tell(&worker_metrics(&after, now)).await;
                report.count("measured");
            }
            Err(err) => report.error(worker.id, &err),
        }
        Ok(report)
    }
}
