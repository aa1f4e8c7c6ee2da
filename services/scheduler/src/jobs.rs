//! What the jobs have in common: where they act, what they may hold at once, what comes of them.

mod collect_measurements;
mod detect_activity;
mod import_instances;
mod observe_instances;
mod prune;
mod reconcile_workers;
mod refresh_labs;
mod refresh_worker;
mod run_lab_actions;
mod step_licenses;
mod sweep;

use std::sync::Arc;

use ccm_app::{FleetError, FleetOps, Report};
use ccm_domain::schedule::JobSpec;
use ccm_domain::{ActorKind, Author, Command, DomainError, Run, RunError, WorkerId};
use ccm_ports::{RemoteError, StoreError};
use serde_json::Value;

use crate::Engine;

/// What one attempt works with.
pub(crate) struct JobContext {
    pub(crate) engine: Arc<Engine>,
    pub(crate) job: &'static JobSpec,
    pub(crate) run: Run,
}

/// What came of an attempt that ended well.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What it did, counted, and the errors of single workers and regions.
    pub(crate) report: Report,
    /// What its command answers.
    pub(crate) result: Value,
}

/// Why an attempt did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// Another leader sealed the documents; nothing that this one does counts any more.
    #[error("another leader has taken over")]
    Deposed,
    /// The job failed; the run says whether and when it is tried again.
    #[error("{0:?}")]
    Failed(RunError),
}

pub(crate) type JobResult = Result<Outcome, JobError>;

impl JobContext {
    pub(crate) fn ops(&self) -> &FleetOps {
        self.engine.ops()
    }

    /// Returns the command that the run carries out.
    async fn command(&self) -> Result<Command, JobError> {
        let id = self.run.command.ok_or_else(|| nothing_asked(self.job))?;
        Ok(self.ops().fleet.stores.commands.get(&id.to_string()).await.map_err(FleetError::from)?)
    }

    /// Returns the worker that the run is about, none when it is about all.
    const fn worker(&self) -> Option<WorkerId> {
        self.run.worker
    }

    /// Under this name the job acts.
    fn author(&self) -> Author {
        Author { kind: ActorKind::Job, name: self.job.name.to_owned() }
    }
}

/// Does what the job of the run does.
pub(crate) async fn carry_out(context: JobContext) -> JobResult {
    match context.job.name {
        "observe_instances" => observe_instances::run(&context).await,
        "collect_measurements" => collect_measurements::run(&context).await,
        "refresh_labs" => refresh_labs::run(&context).await,
        "detect_activity" => detect_activity::run(&context).await,
        "import_instances" => import_instances::run(&context).await,
        "reconcile_workers" => reconcile_workers::run(&context).await,
        "run_lab_actions" => run_lab_actions::run(&context).await,
        "step_licenses" => step_licenses::run(&context).await,
        "refresh_worker" => refresh_worker::run(&context).await,
        "prune" => prune::run(&context).await,
        other => Err(JobError::Failed(RunError::permanent(
            "unknown_job",
            format!("this version has no job {other}"),
        ))),
    }
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        Self { report, result: Value::Null }
    }
}

impl From<FleetError> for JobError {
    /// The one place where an error gets its meaning for a run: whether another attempt may help.
    fn from(err: FleetError) -> Self {
        let text = err.to_string();
        let failed = match err {
            FleetError::Store(StoreError::Stale) => return Self::Deposed,
            FleetError::Store(StoreError::NotFound(_)) => RunError::permanent("not_found", text),
            FleetError::Store(StoreError::Corrupt(source)) => {
                RunError::permanent("corrupt", format!("{text}: {source:#}"))
            }
            FleetError::Store(StoreError::Unavailable(source)) => {
                RunError::new("store_unavailable", format!("{text}: {source:#}"))
            }
            FleetError::Store(StoreError::Conflict | StoreError::Taken(_)) => {
                RunError::new("conflict", text)
            }
            FleetError::Contended(_) => RunError::new("contended", text),
            FleetError::Domain(refused) => of_domain(&refused, text),
            FleetError::Remote(remote) => of_remote(&remote, text),
        };
        Self::Failed(failed)
    }
}

impl From<StoreError> for JobError {
    fn from(err: StoreError) -> Self {
        FleetError::from(err).into()
    }
}

fn of_domain(refused: &DomainError, text: String) -> RunError {
    RunError::permanent(refused.code(), text)
}

fn of_remote(remote: &RemoteError, text: String) -> RunError {
    let retry_after = match remote {
        RemoteError::Throttled(after) => *after,
        RemoteError::Unavailable(_)
        | RemoteError::Denied(_)
        | RemoteError::Tls(_)
        | RemoteError::NotFound(_)
        | RemoteError::Conflict(_)
        | RemoteError::Capacity(_)
        | RemoteError::Quota(_)
        | RemoteError::Invalid(_)
        | RemoteError::Unexpected(_) => None,
    };
    let permanent = !remote.is_transient();
    RunError { code: remote.word().to_owned(), text, permanent, retry_after }
}

fn nothing_asked(job: &JobSpec) -> JobError {
    let text = format!("{} runs on command only, and this run has none", job.name);
    JobError::Failed(RunError::permanent("no_command", text))
}
