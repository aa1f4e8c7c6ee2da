//! What one look at the whole fleet costs, and how that grows with the fleet.
//!
//! All schedules are paused; the jobs run one at a time because they are triggered.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use jiff::Timestamp;
use serde::Deserialize;

use super::Place;
use crate::process;
use crate::report::Figure;
use crate::rest::{Rest, Run};
use crate::site::{Order, Site, Store};
use crate::spread::Spread;
use crate::wait::until;

/// How long a run may take; the product ends it by force later than that.
const LONGEST_RUN: Duration = Duration::from_secs(60);

/// How long the first round of jobs may take after the import.
const TO_SETTLE: Duration = Duration::from_secs(120);

/// What is run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sweep {
    /// Sizes of fleets; growth is told from the first to the last.
    pub(super) workers: Vec<usize>,
    /// How often each job runs.
    pub(super) repeat: usize,
    /// Names of schedules.
    jobs: Vec<String>,
}

/// What one run of a job costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// From start to end, the middle of all.
    took: Duration,
    /// Time of all threads, the average.
    cpu: Duration,
}

impl Sweep {
    pub(super) async fn run(&self, place: &Place) -> anyhow::Result<Vec<Figure>> {
        let mut costs = Vec::new();
        for workers in &self.workers {
            costs.push(self.measure(place, *workers).await?);
        }
        let mut figures = Vec::new();
        for (n, job) in self.jobs.iter().enumerate() {
            let of_job: Vec<Cost> = costs.iter().map(|costs| costs[n]).collect();
            for (workers, cost) in self.workers.iter().zip(&of_job) {
                figures.push(Figure::millis(format!("{job}, {workers} workers: time"), cost.took));
                figures.push(Figure::millis(format!("{job}, {workers} workers: CPU"), cost.cpu));
            }
            let (Some(small), Some(large)) = (of_job.first(), of_job.last()) else { continue };
            let growth = |what, small: Duration, large: Duration| {
                let times = large.as_secs_f64() / small.as_secs_f64();
                Figure::new(format!("{job}: growth of {what}"), times, "×")
            };
            figures.push(growth("time", small.took, large.took));
            figures.push(growth("CPU", small.cpu, large.cpu));
        }
        Ok(figures)
    }

    async fn measure(&self, place: &Place, workers: usize) -> anyhow::Result<Vec<Cost>> {
        let order = Order { workers, store: Store::Memory, speed: 1.0 };
        let site = Site::start(&place.standalone, order).await?;
        site.knows(workers).await?;
        self.settle(&site.rest).await?;
        let mut costs = Vec::new();
        for job in &self.jobs {
            let cost = self.cost(&site, job, workers).await;
            costs.push(cost.with_context(|| format!("{job} with {workers} workers"))?);
        }
        site.end().await?;
        Ok(costs)
    }

    /// Lets each job run once over the whole fleet, and then pauses everything.
    async fn settle(&self, rest: &Rest) -> anyhow::Result<()> {
        for schedule in rest.schedules().await? {
            rest.schedule(&schedule.name, "pause").await?;
        }
        for job in &self.jobs {
            is_quiet(rest, TO_SETTLE).await?;
            rest.schedule(job, "trigger").await?;
        }
        is_quiet(rest, TO_SETTLE).await
    }

    async fn cost(&self, site: &Site, job: &str, workers: usize) -> anyhow::Result<Cost> {
        let idle = idle(site, self.repeat).await?;
        let (begun, before) = (Instant::now(), process::cpu(site.pid)?);
        for _ in 0..self.repeat {
            site.rest.schedule(job, "trigger").await?;
            is_quiet(&site.rest, LONGEST_RUN).await?;
        }
        let busy = process::cpu(site.pid)? - before;
        let busy = busy.saturating_sub(begun.elapsed().mul_f64(idle));
        let runs = site.rest.runs(job, self.repeat).await?;
        ensure!(runs.len() == self.repeat, "{} of {} runs are known", runs.len(), self.repeat);
        let full = runs.iter().filter(|run| is_full(run, workers));
        let took: Spread = full.map(duration).collect::<Result<_, _>>()?;
        ensure!(took.len() * 2 > runs.len(), "only {} runs saw everything: {runs:?}", took.len());
        Ok(Cost { took: took.at(0.5), cpu: busy / u32::try_from(self.repeat)? })
    }
}

/// Waits until nothing runs and nothing is about to.
async fn is_quiet(rest: &Rest, patience: Duration) -> anyhow::Result<()> {
    until("the end of all runs", patience, async || {
        let schedules = rest.schedules().await?;
        let busy = schedules.iter().any(|s| s.running.is_some() || s.triggered.is_some());
        Ok((!busy).then_some(()))
    })
    .await
}

/// Returns the cores that the product uses while it is only asked whether it is quiet, as often as between
/// two runs.
async fn idle(site: &Site, looks: usize) -> anyhow::Result<f64> {
    let (begun, before) = (Instant::now(), process::cpu(site.pid)?);
    for _ in 0..looks {
        is_quiet(&site.rest, LONGEST_RUN).await?;
        tokio::time::sleep(crate::wait::PAUSE).await;
    }
    let busy = process::cpu(site.pid)? - before;
    Ok(busy.as_secs_f64() / begun.elapsed().as_secs_f64())
}

/// Whether a run ended well and saw the whole fleet: simulated regions refuse a call now and then.
fn is_full(run: &Run, workers: usize) -> bool {
    let seen = run.counts.get("instances");
    run.state == "succeeded" && seen.is_none_or(|seen| *seen >= workers as u64)
}

fn duration(run: &Run) -> anyhow::Result<Duration> {
    let moment = |text: &Option<String>| -> anyhow::Result<Timestamp> {
        let text = text.as_deref().with_context(|| format!("{} has no times", run.id))?;
        Ok(text.parse()?)
    };
    let (started, ended) = (moment(&run.started_at)?, moment(&run.ended_at)?);
    Ok(ended.duration_since(started).try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_takes_from_its_start_to_its_end() {
        let run = |ended: Option<&str>| Run {
            id: "observe_instances@1".to_owned(),
            state: "succeeded".to_owned(),
            started_at: Some("2026-01-02T03:04:05.900Z".to_owned()),
            ended_at: ended.map(str::to_owned),
            counts: [("instances".to_owned(), 99)].into(),
        };

        let ended = run(Some("2026-01-02T03:04:06.025Z"));
        assert_eq!(duration(&ended).unwrap(), Duration::from_millis(125));
        assert!(duration(&run(None)).is_err());
        assert!(is_full(&ended, 99) && !is_full(&ended, 100));
    }
}
