//! Schedules and runs.

use std::collections::BTreeMap;

use ccm_domain::run::RunError as DomainRunError;
use ccm_domain::schedule::{
    Cadence as DomainCadence, Misfire as DomainMisfire, Overlap as DomainOverlap, SkipReason, job,
};
use ccm_domain::{
    Author as DomainAuthor, OperationId, Run as DomainRun, RunState, Schedule as DomainSchedule,
    Scope, Timestamp, WorkerId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::{Author, Moment};

/// How often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cadence {
    /// At a fixed period.
    Every {
        /// Seconds, 5 to 604800.
        seconds: u64,
    },
    /// By the calendar, in UTC.
    Cron {
        /// Five fields, or six with seconds in front.
        expression: String,
    },
}

/// What is done about slots that nobody could claim in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Misfire {
    /// They are left out.
    Skip,
    /// One run stands for all of them.
    Once,
    /// The newest ones run.
    CatchUp {
        /// How many.
        most: u32,
    },
}

/// What is done about a slot that comes due while the one before it still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is left out.
    Skip,
    /// It runs afterwards.
    Queue,
}

/// Changes of a schedule; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeSchedule {
    /// How often.
    pub cadence: Option<Cadence>,
    /// Seconds over which schedules of one cadence are spread.
    pub jitter_s: Option<u64>,
    /// What is done about missed slots.
    pub misfire: Option<Misfire>,
    /// What is done about overlapping slots.
    pub overlap: Option<Overlap>,
    /// Whether it runs by itself.
    pub enabled: Option<bool>,
}

/// The last run of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastRun {
    /// Its id.
    pub id: String,
    /// How it ended.
    #[schema(value_type = String)]
    pub state: RunState,
    /// The moment for which it was due.
    #[schema(value_type = Moment)]
    pub slot: Timestamp,
    /// When it ended.
    #[schema(value_type = Moment)]
    pub ended_at: Timestamp,
}

/// Slots that were left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastSkip {
    /// The oldest.
    #[schema(value_type = Moment)]
    pub first: Timestamp,
    /// The newest.
    #[schema(value_type = Moment)]
    pub last: Timestamp,
    /// How many.
    pub count: u64,
    /// `missed`, `overlap`, `triggered` or `changed`.
    #[schema(value_type = String)]
    pub reason: SkipReason,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Schedule {
    /// Name.
    pub name: String,
    /// The job that it runs.
    pub job: String,
    /// What the job does.
    pub description: Option<String>,
    /// Grows with every change of what is set; the `ETag`.
    pub rev: u64,
    /// How often.
    #[schema(value_type = Cadence)]
    pub cadence: DomainCadence,
    /// The period in seconds; `null` for a calendar.
    pub every: Option<u64>,
    /// Spread, seconds.
    pub jitter_s: u64,
    /// What is done about missed slots.
    #[schema(value_type = Misfire)]
    pub misfire: DomainMisfire,
    /// What is done about overlapping slots.
    #[schema(value_type = Overlap)]
    pub overlap: DomainOverlap,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// When it runs next by itself.
    #[schema(value_type = Option<Moment>)]
    pub next_run: Option<Timestamp>,
    /// A run that somebody asked for and that has not begun.
    #[schema(value_type = Option<Moment>)]
    pub triggered: Option<Timestamp>,
    /// The slot whose run has not ended.
    #[schema(value_type = Option<Moment>)]
    pub running: Option<Timestamp>,
    /// The last run that ended.
    pub last_run: Option<LastRun>,
    /// When a run last ended well.
    #[schema(value_type = Option<Moment>)]
    pub last_success_at: Option<Timestamp>,
    /// The slots that were left out last.
    pub last_skip: Option<LastSkip>,
    /// How many slots were ever left out.
    pub skipped: u64,
    /// When it was last changed.
    #[schema(value_type = Option<Moment>)]
    pub changed_at: Option<Timestamp>,
    /// Who changed it.
    #[schema(value_type = Option<Author>)]
    pub changed_by: Option<DomainAuthor>,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunError {
    /// Stable word.
    pub code: String,
    /// In words.
    pub text: String,
    /// Whether another attempt is pointless.
    pub permanent: bool,
}

/// A run: one slot of a schedule, or one operation, being carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Run {
    /// `<schedule>@<slot>`, or the id of its operation.
    pub id: String,
    /// Grows with every change.
    pub rev: u64,
    /// The job.
    pub job: String,
    /// The schedule that it belongs to.
    pub schedule: Option<String>,
    /// The moment for which it was due.
    #[schema(value_type = Option<Moment>)]
    pub slot: Option<Timestamp>,
    /// The operation that it carries out.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub operation_id: Option<OperationId>,
    /// The worker that it is about.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub worker_id: Option<WorkerId>,
    /// The account and region that it is about, as `account/region`.
    pub scope: Option<String>,
    /// `queued`, `running`, `succeeded`, `failed`, `dead`, `abandoned`, `skipped` or `quarantined`.
    #[schema(value_type = String)]
    pub state: RunState,
    /// Which attempt this is or was.
    pub attempt: u32,
    /// How often its leader was lost while it ran.
    pub crashes: u32,
    /// The epoch of the leader that last started it.
    pub epoch: Option<u64>,
    /// When it was queued.
    #[schema(value_type = Moment)]
    pub queued_at: Timestamp,
    /// When the present or last attempt began.
    #[schema(value_type = Option<Moment>)]
    pub started_at: Option<Timestamp>,
    /// When the last attempt ended.
    #[schema(value_type = Option<Moment>)]
    pub ended_at: Option<Timestamp>,
    /// Not started before this moment.
    #[schema(value_type = Option<Moment>)]
    pub next_at: Option<Timestamp>,
    /// What came of it, in words.
    pub outcome: Option<String>,
    /// What it did, counted.
    pub counts: BTreeMap<String, u64>,
    /// Why the last attempt failed.
    #[schema(value_type = Option<RunError>)]
    pub error: Option<DomainRunError>,
    /// The same in one line.
    pub reason: Option<String>,
    /// Who put it back last.
    #[schema(value_type = Option<Author>)]
    pub requeued_by: Option<DomainAuthor>,
    /// The trace that it belongs to.
    pub trace_id: Option<String>,
}

impl From<DomainSchedule> for Schedule {
    fn from(schedule: DomainSchedule) -> Self {
        let spec = schedule.spec;
        let every = match &spec.cadence {
            DomainCadence::Every { seconds } => Some(*seconds),
            DomainCadence::Cron { .. } => None,
        };
        let last_run = schedule.last.map(|last| LastRun {
            id: ccm_domain::RunId::of_slot(&spec.name, last.slot).to_string(),
            state: last.state,
            slot: last.slot.due_at(),
            ended_at: last.ended_at,
        });
        let last_skip = schedule.last_skip.map(|skip| LastSkip {
            first: skip.first.due_at(),
            last: skip.last.due_at(),
            count: skip.count,
            reason: skip.reason,
        });
        Self {
            description: job(&spec.job).map(|job| job.about.to_owned()),
            name: spec.name,
            job: spec.job,
            rev: schedule.spec_rev,
            cadence: spec.cadence,
            every,
            jitter_s: spec.jitter_s,
            misfire: spec.misfire,
            overlap: spec.overlap,
            enabled: spec.enabled,
            next_run: schedule.next_at.map(|slot| slot.due_at()),
            triggered: schedule.triggered.map(|slot| slot.due_at()),
            running: schedule.open.map(|slot| slot.due_at()),
            last_run,
            last_success_at: schedule.last_success_at,
            last_skip,
            skipped: schedule.skipped,
            changed_at: schedule.changed_at,
            changed_by: schedule.changed_by,
        }
    }
}

impl From<DomainRun> for Run {
    fn from(run: DomainRun) -> Self {
        Self {
            id: run.id.to_string(),
            rev: run.rev,
            job: run.job,
            schedule: run.schedule,
            slot: run.slot.map(|slot| slot.due_at()),
            operation_id: run.command,
            worker_id: run.worker,
            scope: run.scope.as_ref().map(Scope::to_string),
            state: run.state,
            attempt: run.attempt,
            crashes: run.crashes,
            epoch: run.epoch.map(|epoch| epoch.0),
            queued_at: run.queued_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
            next_at: run.next_at,
            outcome: run.outcome,
            counts: run.counts,
            reason: run.error.as_ref().map(|error| error.text.clone()),
            error: run.error,
            requeued_by: run.requeued_by,
            trace_id: run.trace_id,
        }
    }
}
