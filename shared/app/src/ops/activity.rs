//! Telemetry → activity → idle decision → the wish to stop.

use ccm_domain::settings::Settings;
use ccm_domain::{ActorKind, Author, Verdict, Worker, WorkerState};

use super::{FleetOps, Report, controller};
use crate::Result;

/// Under this name the idle policy acts.
const POLICY: &str = "idle_timeout";

impl FleetOps {
    /// Reads one worker's telemetry, decides, and asks for a stop when it is idle.
    ///
    /// # Errors
    /// When the store fails; a controller that does not answer only makes the decision unknown.
    pub async fn detect_activity(&self, worker: &Worker, settings: &Settings) -> Result<Report> {
        let mut report = Report::default();
        let mut activity = worker.status.activity.clone();
        let reachable = worker.is_reachable().then(|| controller(worker)).flatten();
        if let Some(at) = &reachable {
            let now = self.fleet.now();
            match self.remotes.cml.telemetry(at).await {
                Ok(feed) => {
                    if activity.read(&feed, &settings.spec.idle, now) {
                        report.count("active");
                    }
                    report.count("read");
                }
                Err(err) => {
                    activity.read_failed(&err.to_string(), now);
                    report.error(worker.id, &err);
                }
            }
        } else if worker.state() != WorkerState::Running && worker.status.idle.is_none() {
            return Ok(report);
        }
        let now = self.fleet.now();
        let op = self.fleet.new_operation_id();
        let (_, (paused, warned)) = self
            .with_worker(worker.id, |w| {
                let verdict = w.judge_idle(&activity, &settings.spec.idle, now);
                let warned = verdict.verdict == Verdict::Warned;
                w.observe_activity(activity.clone(), verdict);
                let policy = Author { kind: ActorKind::Policy, name: POLICY.to_owned() };
                (w.pause_if_idle(op, policy, now), warned)
            })
            .await?;
        if paused {
            report.count("paused");
            tracing::info!(worker.id = %worker.id, "worker {} is idle; asking for a stop", worker.id);
            self.fleet.bell.ring(ccm_ports::Chime::Commands).await;
        } else if warned {
            report.count("warned");
        }
        Ok(report)
    }
}
