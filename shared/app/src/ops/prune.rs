//! What is forgotten after how long.

use std::time::Duration;

use ccm_domain::settings::Retention;
use ccm_domain::sink::SinkState;
use ccm_domain::{ActorKind, Author, Timestamp, Worker, WorkerState};
use ccm_ports::{Document, Filter, Query, Shared, StoreError, sortable};

use super::{FleetOps, Report};
use crate::{FleetError, Result};

/// Under this name it acts.
const JOB: &str = "prune";

/// How long the answer to a request with an idempotency key can be had again.
const REPLIES: Duration = Duration::from_secs(24 * 3_600);

/// How long a process that ended without a word is shown.
const PROCESSES: Duration = Duration::from_secs(3_600);

/// How long an event that a sink never took can be sent again.
const DEAD_LETTERS: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How long a sink that left the configuration is remembered; it goes on where it was if it comes back.
const LEFT_SINKS: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How long an event from outside is known when it comes again; senders give up after a day.
const RECEIPTS: Duration = Duration::from_secs(3 * 24 * 3_600);

/// How many documents of a kind one run looks at: the rest waits for the next one.
const MOST_AT_ONCE: usize = 20_000;

impl FleetOps {
    /// Forgets what is past its keep time.
    ///
    /// # Errors
    /// When the store fails, or this leader was deposed.
    pub async fn prune(&self) -> Result<Report> {
        let keep = self.settings().await?.spec.retention;
        let now = self.fleet.now();
        let stores = &self.fleet.stores;
        let mut report = Report::default();
        report.add("samples", self.thin_samples(&keep, now).await?);
        report.add("events", self.trim_log(&keep).await?);
        let ended = before("ended", now, keep.runs_s);
        report.add("runs", self.forget(&stores.runs, ended, |run| run.state.is_final()).await?);
        let asked = before("asked", now, keep.runs_s);
        report.add("commands", self.forget(&stores.commands, asked, |c| !c.is_open()).await?);
        let at = before("at", now, REPLIES.as_secs());
        report.add("replies", self.forget(&stores.replies, at, |_| true).await?);
        let seen = before("seen", now, PROCESSES.as_secs());
        report.add("processes", self.forget(&stores.processes, seen, |_| true).await?);
        let ends = before("ends", now, 0);
        report.add("logins", self.forget(&stores.logins, ends, |_| true).await?);
        report.add("secrets", stores.secrets.drop_expired(now).await?);
        self.forget_outside(now, &mut report).await?;
        self.forget_workers(&keep, now, &mut report).await?;
        Ok(report)
    }

    /// Forgets what was sent outside in vain, and what came from there.
    async fn forget_outside(&self, now: Timestamp, report: &mut Report) -> Result<()> {
        let stores = &self.fleet.stores;
        let died = before("died", now, DEAD_LETTERS.as_secs());
        report.add("dead_letters", self.forget(&stores.dead_letters, died, |_| true).await?);
        let left = before("state_since", now, LEFT_SINKS.as_secs());
        let left = left.is("state", SinkState::Unconfigured.name());
        report.add("sinks", self.forget(&stores.sinks, left, |_| true).await?);
        let at = before("at", now, RECEIPTS.as_secs());
        report.add("receipts", self.forget(&stores.receipts, at, |_| true).await?);
        Ok(())
    }

    async fn thin_samples(&self, keep: &Retention, now: Timestamp) -> Result<u64> {
        let fine = now.minus(Duration::from_secs(keep.samples_fine_s));
        let coarse = now.minus(Duration::from_secs(keep.samples_coarse_s));
        Ok(self.fleet.stores.samples.thin(fine, coarse).await?)
    }

    async fn trim_log(&self, keep: &Retention) -> Result<u64> {
        let log = &self.fleet.stores.log;
        let keep_from = (log.head().await? + 1).saturating_sub(keep.events);
        Ok(if keep_from > 1 { log.trim(keep_from).await? } else { 0 })
    }

    /// Removes workers that were terminated long ago, and forgets removed ones with labs and samples.
    ///
    /// Both take a run of their own: what is removed must be told before it can be forgotten.
    async fn forget_workers(
        &self,
        keep: &Retention,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<()> {
        let limit = now.minus(Duration::from_secs(keep.removed_workers_s));
        let workers = &self.fleet.stores.workers;
        let removed = Query::default().is("removed", "true");
        for worker in self.listed(workers, removed).await? {
            if !is_past(&worker, limit) {
                continue;
            }
            let labs = Query::default().is("worker", worker.id.to_string());
            let all_labs = &self.fleet.stores.labs;
            report.add("labs", self.forget(all_labs, labs.clone(), |_| true).await?);
            // Without their worker nobody would find labs that still have something to tell.
            let bare = all_labs.list(&labs.limit(1)).await?.items.is_empty();
            if bare && self.forget_one(workers, &worker).await? {
                self.fleet.stores.samples.forget(worker.id).await?;
                report.count("workers");
            }
        }
        let terminated = Query::default().is("removed", "false").is("state", "terminated");
        for worker in self.listed(workers, terminated).await? {
            if worker.status.state_since < limit {
                let by = Author { kind: ActorKind::Job, name: JOB.to_owned() };
                self.with_worker(worker.id, |w| w.remove(by.clone(), now)).await?;
                report.count("removed");
            }
        }
        Ok(())
    }

    async fn forget<D: Document>(
        &self,
        all: &Shared<D>,
        query: Query,
        may_go: impl Fn(&D) -> bool,
    ) -> Result<u64> {
        let mut gone = 0;
        for doc in self.listed(all, query).await? {
            if may_go(&doc) && self.forget_one(all, &doc).await? {
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Forgets one document unless it changed or still has something to tell; says whether it is gone.
    async fn forget_one<D: Document>(&self, all: &Shared<D>, doc: &D) -> Result<bool> {
        match all.remove(&doc.key(), doc.rev(), self.writer()).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict | StoreError::NotFound(_)) => Ok(false),
            Err(
                err @ (StoreError::Taken(_)
                | StoreError::Stale
                | StoreError::Corrupt(_)
                | StoreError::Unavailable(_)),
            ) => Err(FleetError::Store(err)),
        }
    }

    async fn listed<D: Document>(&self, all: &Shared<D>, mut query: Query) -> Result<Vec<D>> {
        let mut found = Vec::new();
        while found.len() < MOST_AT_ONCE {
            let page = all.list(&query).await?;
            found.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        Ok(found)
    }
}

fn before(field: &'static str, now: Timestamp, seconds: u64) -> Query {
    let limit = now.minus(Duration::from_secs(seconds));
    Query::default().and(Filter::Below(field, sortable(limit)))
}

/// Whether a removed worker is of no interest any more.
fn is_past(worker: &Worker, limit: Timestamp) -> bool {
    let gone_long = worker.state() == WorkerState::Terminated && worker.status.state_since < limit;
    gone_long || worker.removed_at.is_some_and(|at| at < limit)
}
