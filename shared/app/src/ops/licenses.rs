//! Registration and deregistration, one resumable step at a time.

use std::time::Duration;

use ccm_domain::cml::{Deregistered, Registration};
use ccm_domain::{LicenseState, Worker};
use ccm_ports::RemoteError;

use super::power::note_failure;
use super::reconcile::Stepped;
use super::{FleetOps, controller};
use crate::Result;

/// How often a registration under way is looked at.
const POLL: Duration = Duration::from_secs(3);

impl FleetOps {
    /// Hands the token over, unless the controller is registering already (this step was interrupted then).
    pub(super) async fn register(&self, worker: &Worker) -> Result<Stepped> {
        let (Some(at), Some(operation)) = (controller(worker), worker.open_license()) else {
            return Ok(Stepped::Wait);
        };
        let now = self.fleet.now();
        let key = operation.secret.clone().unwrap_or_default();
        let Some(token) = self.fleet.stores.secrets.reveal(&key, now).await? else {
            let reason = "the token is not kept any more";
            return self.license_failed(worker, reason, "register again with the token").await;
        };
        let seen = self.remotes.cml.license(&at).await;
        let begun = match &seen {
            Ok(seen) => {
                seen.registration == Registration::InProgress
                    || (seen.registration == Registration::Completed && !operation.reregister)
            }
            Err(_) => false,
        };
        let done = match seen {
            Err(err) => Err(err),
            Ok(_) if begun => Ok(()),
            Ok(_) => self.remotes.cml.register(&at, &token, operation.reregister).await,
        };
        // The licence agent does one thing at a time; what it does now comes to its end.
        let done = match done {
            Err(RemoteError::Conflict(text)) => Err(RemoteError::Unavailable(text)),
            done => done,
        };
        self.license_stepped(worker, "register", done).await
    }

    /// Gives the licence back because somebody asked.
    pub(super) async fn deregister(&self, worker: &Worker) -> Result<Stepped> {
        let Some(at) = controller(worker) else { return Ok(Stepped::Wait) };
        let (done, detail) = match self.remotes.cml.deregister(&at).await {
            Ok(Deregistered::Done) => (Ok(()), "given back"),
            Ok(Deregistered::WasNotRegistered) => (Ok(()), "it was not registered"),
            Ok(Deregistered::LocalOnly) => {
                (Ok(()), "the licence server did not answer; a seat may stay taken there")
            }
            Ok(Deregistered::Busy) => {
                (Err(RemoteError::Unavailable("another registration is under way".to_owned())), "")
            }
            Err(err) => (Err(err), ""),
        };
        let now = self.fleet.now();
        if done.is_ok() {
            self.with_worker(worker.id, |w| {
                w.step_license(|o| o.advance(false, Some(detail.to_owned()), now));
            })
            .await?;
            return Ok(Stepped::Again);
        }
        self.license_stepped(worker, "deregister", done).await
    }

    /// Asks how far it is and ends the operation when the controller says so.
    pub(super) async fn confirm_license(&self, worker: &Worker) -> Result<Stepped> {
        let Some(at) = controller(worker) else { return Ok(Stepped::Wait) };
        let seen = match self.remotes.cml.license(&at).await {
            Ok(seen) => seen,
            Err(err) => return self.license_stepped(worker, "", Err(err)).await,
        };
        let now = self.fleet.now();
        let (after, ()) = self
            .with_worker(worker.id, |w| {
                w.observe_license(&seen, now);
                let (status, reason) = (w.status.license.status, w.status.license.reason.clone());
                w.step_license(|o| settle(o, status, reason.as_deref(), now));
            })
            .await?;
        self.drop_used_secret(worker, &after).await?;
        Ok(Stepped::Wait)
    }

    /// Ends a licence operation that took too long.
    pub(super) async fn give_up_license(&self, worker: &Worker) -> Result<Stepped> {
        self.license_failed(
            worker,
            "the licence server did not come to an end in time",
            "check that the controller reaches the licence server, then ask again",
        )
        .await
    }

    async fn license_stepped(
        &self,
        worker: &Worker,
        step: &str,
        done: Result<(), RemoteError>,
    ) -> Result<Stepped> {
        let now = self.fleet.now();
        let (after, ()) = self
            .with_worker(worker.id, |w| {
                w.step_license(|o| match &done {
                    Ok(()) => o.reach(step, now),
                    Err(err) => note_failure(o, err, now),
                });
            })
            .await?;
        self.drop_used_secret(worker, &after).await?;
        Ok(if done.is_ok() { Stepped::Again } else { Stepped::Wait })
    }

    async fn license_failed(&self, worker: &Worker, reason: &str, hint: &str) -> Result<Stepped> {
        let now = self.fleet.now();
        let (after, ()) = self
            .with_worker(worker.id, |w| w.step_license(|o| o.fail(reason, Some(hint), now)))
            .await?;
        self.drop_used_secret(worker, &after).await?;
        Ok(Stepped::Wait)
    }

    /// Forgets the token once its operation has ended; it would expire by itself as well.
    async fn drop_used_secret(&self, before: &Worker, after: &Worker) -> Result<()> {
        let Some(ended) = before.open_license() else { return Ok(()) };
        let open = after.operation(ended.id).is_some_and(|o| o.is_open());
        if let (false, Some(secret)) = (open, &ended.secret) {
            self.fleet.stores.secrets.drop_secret(secret).await?;
        }
        Ok(())
    }
}

fn settle(
    operation: &mut ccm_domain::worker::Operation,
    status: LicenseState,
    reason: Option<&str>,
    now: ccm_domain::Timestamp,
) {
    use ccm_domain::worker::OperationKind as K;
    let registers = operation.kind == K::RegisterLicense;
    match status {
        LicenseState::Registered if registers => operation.reach("confirm", now),
        LicenseState::Failed if registers => {
            let reason = reason.unwrap_or("the licence server refused");
            operation.fail(
                reason,
                Some("check the token and the product, then register again"),
                now,
            );
        }
        LicenseState::OutOfCompliance if registers => {
            let hint = "free seats at the licence server, then register again";
            operation.fail("registered, but not in compliance", Some(hint), now);
        }
        LicenseState::Unregistered | LicenseState::Evaluation | LicenseState::Failed
            if !registers =>
        {
            operation.reach("confirm", now);
        }
        LicenseState::Registered
        | LicenseState::Failed
        | LicenseState::OutOfCompliance
        | LicenseState::Unregistered
        | LicenseState::Evaluation
        | LicenseState::Registering
        | LicenseState::Unknown => {
            operation.wait_until(now.plus(POLL), "waiting for the licence server")
        }
    }
}
