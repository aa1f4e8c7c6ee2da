//! The same for every worker or every region: bounded, each with its own time, errors noted.

use std::time::Duration;

use ccm_app::{FleetError, Report};
use ccm_ports::{RemoteError, StoreError};
use futures_util::{StreamExt, stream};

use super::{JobContext, JobError};

/// The part of a run's time that one worker or region may take: one that hangs must leave the others,
/// and the end of the run, their share.
const SHARE: u32 = 2;

impl JobContext {
    /// Returns how long one worker or region may take.
    pub(super) fn each_limit(&self) -> Duration {
        self.job.timeout() / SHARE
    }

    /// Does the same for each worker, as many at a time as the job allows over all its runs.
    pub(super) async fn for_each_worker<T, F>(
        &self,
        workers: impl IntoIterator<Item = T>,
        what: impl Fn(T) -> F,
    ) -> Result<Report, JobError>
    where
        F: Future<Output = (String, Result<Report, FleetError>)>,
    {
        let in_place = |worker| {
            let call = what(worker);
            async move {
                let _place = self.engine.place(self.job).await;
                call.await
            }
        };
        self.for_each(workers, self.job.at_once as usize, in_place).await
    }

    /// Does the same for each thing, `at_once` of them at a time.
    ///
    /// An error of one is noted under its name and never fails the others; only the loss of leadership
    /// and of the store end the sweep.
    pub(super) async fn for_each<T, F>(
        &self,
        things: impl IntoIterator<Item = T>,
        at_once: usize,
        what: impl Fn(T) -> F,
    ) -> Result<Report, JobError>
    where
        F: Future<Output = (String, Result<Report, FleetError>)>,
    {
        let mut report = Report::default();
        let calls: Vec<F> = things.into_iter().map(what).collect();
        let mut all = stream::iter(calls).buffer_unordered(at_once.max(1));
        while let Some((name, outcome)) = all.next().await {
            match outcome {
                Ok(one) => report.merge(one),
                Err(lost @ FleetError::Store(StoreError::Stale | StoreError::Unavailable(_))) => {
                    return Err(lost.into());
                }
                Err(
                    err @ (FleetError::Domain(_)
                    | FleetError::Store(
                        StoreError::NotFound(_)
                        | StoreError::Conflict
                        | StoreError::Taken(_)
                        | StoreError::Corrupt(_),
                    )
                    | FleetError::Remote(_)
                    | FleetError::Contended(_)),
                ) => report.error(name, &err),
            }
        }
        Ok(report)
    }
}

/// Gives a call its own time, so that one that hangs is an error like any other.
pub(super) async fn within(
    limit: Duration,
    call: impl Future<Output = Result<Report, FleetError>>,
) -> Result<Report, FleetError> {
    match tokio::time::timeout(limit, call).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let text = format!("no end within {} s", limit.as_secs());
            Err(RemoteError::Unavailable(text).into())
        }
    }
}
