//! Workers on their way: looked after every two seconds, so that a start feels live.
//!
//! The periodic run of `reconcile_workers` finds every worker that wants something; this keeps those that
//! wait for the world on a list, each with the moment of its next look. It starts at once when the bell says
//! that somebody asked for something, and finds open operations within a second when the bell is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ccm_app::{FleetError, Reconciled, Report, Result, Sight};
use ccm_domain::schedule::job;
use ccm_domain::{OperationId, Scope, Timestamp, Worker, WorkerId};
use ccm_ports::{Chime, Query, RemoteError, StoreError};
use ccm_telemetry::covered;
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Engine;
use crate::engine::Busy;

/// Between two looks at a worker that moved a moment ago.
const SOON: Duration = Duration::from_secs(2);

/// Between two looks at a worker that did not move for long: as often as the periodic run.
const LATE: Duration = Duration::from_secs(30);

/// How often open operations are looked for, on the machine's clock.
const POLL: Duration = Duration::from_secs(1);

/// A worker is looked at again after this part of the time since it last moved: a boot of minutes is not
/// followed as closely as a start of seconds.
const PART: u32 = 15;

/// The most that one worker's steps may take, on the machine's clock.
const STEPS_LIMIT: Duration = Duration::from_secs(60);

/// Everybody is looked through at most this often, however often the bell rings.
const LEAST_PAUSE: Duration = Duration::from_millis(200);

/// When a worker on its way is looked at again, and with which wishes it waits; none when nothing was done about them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    at: Timestamp,
    wish: Option<Wishes>,
}

/// What each wish of a person changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wishes {
    spec_rev: u64,
    /// The one that was begun last, and whether it is forced.
    operation: Option<(OperationId, bool)>,
}

impl Wishes {
    fn of(worker: &Worker) -> Self {
        let operation = worker.operations.first().map(|operation| (operation.id, operation.force));
        Self { spec_rev: worker.spec_rev, operation }
    }
}

/// A worker with its place among those that are being stepped.
type Held<'a> = (Worker, Busy<'a, WorkerId>);

impl Engine {
    /// Takes the next steps of these workers, but for those that somebody else is at; those that wait for the world
    /// are put on the watch list.
    ///
    /// # Errors
    /// When the store fails, or another leader has taken over; an error of one worker is in the report.
    pub(crate) async fn step_workers(&self, workers: Vec<Worker>) -> Result<Report> {
        let mut report = Report::default();
        let mut scopes: BTreeMap<Scope, Vec<Held<'_>>> = BTreeMap::new();
        for worker in workers {
            match self.occupy(worker.id) {
                Some(busy) => {
                    // The step itself says when the next one is due.
                    self.watch_list().remove(&worker.id);
                    scopes.entry(worker.scope.clone()).or_default().push((worker, busy));
                }
                None => {
                    // What it is wanted for now may have come too late for the step that is under way.
                    self.watch_again(worker.id);
                    report.count("busy");
                }
            }
        }
        let mut all: FuturesUnordered<_> =
            scopes.into_iter().map(|(scope, held)| self.step_scope(scope, held)).collect();
        while let Some(one) = all.next().await {
            report.merge(one?);
        }
        Ok(report)
    }

    /// Steps every worker whose moment has come; `all` looks for others as well.
    ///
    /// # Errors
    /// As the periodic run of `reconcile_workers`.
    pub async fn follow(&self, all: bool) -> Result<Report> {
        self.step_workers(self.to_step(all).await?).await
    }

    /// Reads every worker whose moment has come; `all` looks for others as well.
    async fn to_step(&self, all: bool) -> Result<Vec<Worker>> {
        if !all {
            return self.due_or_new().await;
        }
        let mut workers = self.ops().unsettled().await?;
        let now = self.now();
        let list = self.watch_list();
        // The bell tells of new wishes. Who waits for the world with the same ones keeps its moment: a look at
        // everybody with each ring would use up what a region answers.
        let waits = |worker: &Worker| {
            let watched = list.get(&worker.id);
            watched.is_some_and(|it| it.at > now && it.wish == Some(Wishes::of(worker)))
        };
        workers.retain(|worker| !waits(worker));
        drop(list);
        Ok(workers)
    }

    /// Returns the moment of the next look at a worker on its way.
    #[must_use]
    pub fn next_look(&self) -> Option<Timestamp> {
        self.watch_list().values().map(|watched| watched.at).min()
    }

    /// Follows workers on their way until `leaving` is cancelled.
    pub(crate) async fn keep_following(self: Arc<Self>, leaving: &CancellationToken) -> Result<()> {
        let mut bell = self.parts.fleet.bell.listen(Chime::Commands).await;
        let mut under_way = FuturesUnordered::new();
        let mut all = true;
        while !leaving.is_cancelled() {
            // One read at a time, whatever is under way: what piles up here only makes the store slower.
            match beside(self.to_step(all), &mut under_way).await? {
                Ok(workers) => {
                    all = false;
                    let engine = Arc::clone(&self);
                    under_way.push(async move { engine.step_workers(workers).await });
                }
                Err(err) => note(Err(err))?,
            }
            let turn = self.next_turn(&mut bell);
            match leaving.run_until_cancelled(beside(turn, &mut under_way)).await {
                Some(wanted) => all |= wanted?,
                None => break,
            }
        }
        Ok(())
    }

    /// Waits until it is time to look again; returns whether the bell said that there may be others.
    async fn next_turn(&self, bell: &mut (impl Stream<Item = ()> + Unpin)) -> bool {
        let last = Instant::now();
        let mut all = false;
        loop {
            let due = self.next_look().map_or(POLL, |at| self.real_time_until(at));
            tokio::select! {
                () = tokio::time::sleep_until(turn(last, Instant::now() + due.min(POLL), all)) => return all,
                // Somebody has a moment now, which may be sooner.
                () = self.watching.notified() => {}
                // Several wishes of one moment are looked for once.
                Some(()) = bell.next(), if !all => all = true,
            }
        }
    }

    async fn step_scope(&self, scope: Scope, held: Vec<Held<'_>>) -> Result<Report> {
        let mut report = Report::default();
        let Some(looking) = self.look_in(&scope) else {
            // A region that answers slowly is asked once at a time.
            for (worker, _) in &held {
                self.watch_again(worker.id);
            }
            report.add("busy", held.len() as u64);
            return Ok(report);
        };
        let (workers, places): (Vec<Worker>, Vec<Busy<'_, WorkerId>>) = held.into_iter().unzip();
        let trace = self.trace_of_look(&workers);
        let sight = covered(trace.as_ref(), self.ops().look_ahead(&scope, &workers)).await?;
        drop(trace);
        drop(looking);
        let at_once = job("reconcile_workers").map_or(1, |job| job.at_once as usize);
        let steps: Vec<_> = workers
            .iter()
            .zip(places)
            .map(|(worker, busy)| self.step(worker, busy, sight))
            .collect();
        let mut steps = stream::iter(steps).buffer_unordered(at_once);
        while let Some((worker, outcome)) = steps.next().await {
            match outcome {
                Ok(reconciled) => {
                    report.count("stepped");
                    self.watch(worker, reconciled);
                }
                Err(err @ FleetError::Store(StoreError::Stale | StoreError::Unavailable(_))) => {
                    return Err(err);
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
                ) => {
                    report.error(worker.id, &err);
                    self.watch_again(worker.id);
                }
            }
        }
        Ok(report)
    }

    /// Steps one worker, whose place is given back then.
    async fn step<'a>(
        &self,
        worker: &'a Worker,
        busy: Busy<'_, WorkerId>,
        sight: Sight,
    ) -> (&'a Worker, Result<Reconciled>) {
        let trace = self.trace_of_step(worker);
        let steps = covered(trace.as_ref(), self.ops().reconcile(worker.id, sight));
        let outcome = tokio::time::timeout(STEPS_LIMIT, steps).await;
        drop(busy);
        (
            worker,
            outcome.unwrap_or_else(|_| {
                let late = RemoteError::Unavailable("a step did not come to its end".to_owned());
                Err(late.into())
            }),
        )
    }

    /// Reads those whose moment has come, and those with an open operation that nobody follows yet.
    async fn due_or_new(&self) -> Result<Vec<Worker>> {
        let now = self.now();
        let (due, known): (BTreeSet<WorkerId>, BTreeSet<WorkerId>) = {
            let list = self.watch_list();
            let due =
                list.iter().filter(|(_, watched)| watched.at <= now).map(|(id, _)| *id).collect();
            (due, list.keys().copied().collect())
        };
        let open = Query::default().is("open", "true").is("removed", "false");
        let mut workers = self.listed(&self.parts.fleet.stores.workers, open).await?;
        workers.retain(|worker| due.contains(&worker.id) || !known.contains(&worker.id));
        workers.retain(|worker| !self.is_occupied(worker.id));
        let read: BTreeSet<WorkerId> = workers.iter().map(|worker| worker.id).collect();
        for id in due.difference(&read) {
            workers.extend(self.parts.fleet.stores.workers.find(&id.to_string()).await?);
        }
        self.watch_list().retain(|id, _| !due.contains(id));
        Ok(workers)
    }

    /// Puts a worker for which nothing could be done back on the watch list.
    fn watch_again(&self, id: WorkerId) {
        self.watch_list().insert(id, Watched { at: self.now().plus(SOON), wish: None });
    }

    /// Puts a worker on the watch list, with the wishes that it was read with: one that came since is new.
    fn watch(&self, worker: &Worker, reconciled: Reconciled) {
        let now = self.now();
        let at = match reconciled {
            Reconciled::Rests => None,
            Reconciled::Planned(at) => Some(at.max(now.plus(SOON))),
            Reconciled::Waits(since) => Some(now.plus((now.since(since) / PART).clamp(SOON, LATE))),
        };
        let mut list = self.watch_list();
        match at {
            Some(at) => {
                // One that is in the list was wanted while it was stepped.
                let found =
                    list.entry(worker.id).and_modify(|watched| watched.at = watched.at.min(at));
                found.or_insert(Watched { at, wish: Some(Wishes::of(worker)) });
            }
            None => drop(list.remove(&worker.id)),
        }
        drop(list);
        self.watching.notify_one();
    }
}

/// Waits for `what` while what is under way goes on: it may hold what others wait for.
async fn beside<T>(
    what: impl Future<Output = T>,
    under_way: &mut FuturesUnordered<impl Future<Output = Result<Report>>>,
) -> Result<T> {
    let mut what = pin!(what);
    loop {
        tokio::select! {
            done = &mut what => return Ok(done),
            Some(done) = under_way.next() => note(done)?,
        }
    }
}

/// Returns when to look again: at once when `all` are wanted, but never sooner than [`LEAST_PAUSE`] after `last`.
fn turn(last: Instant, due: Instant, all: bool) -> Instant {
    let earliest = last + LEAST_PAUSE;
    if all { earliest } else { due.clamp(earliest, last + POLL) }
}

/// Lets a failure pass until the next look; only a newer leader ends the following.
fn note(done: Result<Report>) -> Result<()> {
    match done {
        Ok(report) if report.errors.is_empty() => Ok(()),
        Ok(report) => {
            tracing::warn!(error = report.errors.join("; "), "some workers could not be stepped");
            Ok(())
        }
        Err(err @ FleetError::Store(StoreError::Stale)) => Err(err),
        Err(err) => {
            let error = &err as &dyn std::error::Error;
            tracing::warn!(error, "workers on their way were not looked after");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_comes_when_somebody_is_due_but_never_at_once_and_never_late() {
        let last = Instant::now();
        let after = |ms| last + Duration::from_millis(ms);

        assert_eq!(turn(last, after(0), false), after(200));
        assert_eq!(turn(last, after(700), false), after(700));
        assert_eq!(turn(last, after(7_000), false), after(1_000));
        assert_eq!(turn(last, after(700), true), after(200));
    }
}
