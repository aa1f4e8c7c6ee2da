//! Termination that loses nothing: labs stopped and saved, the licence given back, then the instance.

use std::time::Duration;

use ccm_domain::Worker;
use ccm_domain::cml::{Deregistered, LabAction, LabState};
use ccm_ports::RemoteError;

use super::power::note_failure;
use super::reconcile::Stepped;
use super::{FleetOps, controller};
use crate::Result;

/// How long stopping labs is given before they are looked at again.
const LAB_PAUSE: Duration = Duration::from_secs(3);

const SEAT_HINT: &str =
    "start the worker so that its licence can be given back, or terminate again with force";

impl FleetOps {
    /// Stops all labs of a controller that answers; one that does not has none that could be stopped.
    pub(super) async fn stop_labs(&self, worker: &Worker) -> Result<Stepped> {
        let Some(at) = worker.is_reachable().then(|| controller(worker)).flatten() else {
            return self.skip(worker, "the controller does not serve").await;
        };
        let labs = match self.remotes.cml.labs(&at).await {
            Ok(labs) => labs,
            Err(err) => return self.lost_controller(worker, &err).await,
        };
        let running: Vec<_> = labs.iter().filter(|lab| lab.state == LabState::Started).collect();
        if running.is_empty() {
            return self.advance(worker, format!("{} labs, none running", labs.len())).await;
        }
        for lab in &running {
            if let Err(err) = self.remotes.cml.act(&at, &lab.id, LabAction::Stop).await {
                return self.lost_controller(worker, &err).await;
            }
        }
        let again = self.fleet.now().plus(LAB_PAUSE);
        let text = format!("stopping {} labs", running.len());
        self.with_worker(worker.id, |w| w.step_power(|o| o.wait_until(again, &text))).await?;
        Ok(Stepped::Wait)
    }

    /// Saves the topology of every lab in our store.
    pub(super) async fn save_labs(&self, worker: &Worker) -> Result<Stepped> {
        let Some(at) = worker.is_reachable().then(|| controller(worker)).flatten() else {
            return self.skip(worker, "the controller does not serve").await;
        };
        match self.save_all_labs(worker.id, &at).await? {
            Ok(saved) => self.advance(worker, format!("{saved} labs saved")).await,
            Err(err) => self.lost_controller(worker, &err).await,
        }
    }

    /// Gives the licence back; stops and asks when a seat would be lost.
    pub(super) async fn release_license(&self, worker: &Worker) -> Result<Stepped> {
        if !worker.status.license.holds_seat() {
            return self.skip(worker, "no licence is registered").await;
        }
        let forced = worker.open_power().is_some_and(|o| o.force);
        let Some(at) = worker.is_reachable().then(|| controller(worker)).flatten() else {
            let reason = "the worker holds a licence and its controller does not serve";
            return if forced {
                self.skip(worker, reason).await
            } else {
                self.ask(worker, reason).await
            };
        };
        match self.remotes.cml.deregister(&at).await {
            Ok(Deregistered::Done | Deregistered::WasNotRegistered) => {
                self.advance(worker, "the licence was given back".to_owned()).await
            }
            Ok(Deregistered::LocalOnly) if forced => {
                self.skip(worker, "the licence server did not answer; a seat may stay taken").await
            }
            Ok(Deregistered::LocalOnly) => {
                self.ask(worker, "the licence server did not answer; a seat may stay taken").await
            }
            Ok(Deregistered::Busy) => {
                let err = RemoteError::Unavailable("another registration is under way".to_owned());
                self.lost_controller(worker, &err).await
            }
            Err(err) if forced => self.skip(worker, &err.to_string()).await,
            Err(err) => self.lost_controller(worker, &err).await,
        }
    }

    /// Terminates the instance, or notes that there never was one.
    pub(super) async fn terminate(&self, worker: &Worker) -> Result<Stepped> {
        let now = self.fleet.now();
        let Some(id) = worker.instance_id() else {
            self.with_worker(worker.id, |w| w.observe_nothing_to_terminate(now)).await?;
            return Ok(Stepped::Again);
        };
        let done = match self.remotes.compute.terminate(&worker.scope, id).await {
            Err(RemoteError::NotFound(_)) => Ok(()),
            other => other,
        };
        self.power_asked(worker, "terminate", done).await
    }

    async fn advance(&self, worker: &Worker, detail: String) -> Result<Stepped> {
        let now = self.fleet.now();
        self.with_worker(worker.id, |w| {
            w.step_power(|o| o.advance(false, Some(detail.clone()), now));
        })
        .await?;
        Ok(Stepped::Again)
    }

    async fn skip(&self, worker: &Worker, why: &str) -> Result<Stepped> {
        let now = self.fleet.now();
        self.with_worker(worker.id, |w| {
            w.step_power(|o| o.advance(true, Some(why.to_owned()), now));
        })
        .await?;
        Ok(Stepped::Again)
    }

    async fn ask(&self, worker: &Worker, reason: &str) -> Result<Stepped> {
        let now = self.fleet.now();
        self.with_worker(worker.id, |w| w.step_power(|o| o.fail(reason, Some(SEAT_HINT), now)))
            .await?;
        Ok(Stepped::Wait)
    }

    async fn lost_controller(&self, worker: &Worker, err: &RemoteError) -> Result<Stepped> {
        let now = self.fleet.now();
        self.with_worker(worker.id, |w| w.step_power(|o| note_failure(o, err, now))).await?;
        Ok(Stepped::Wait)
    }
}
