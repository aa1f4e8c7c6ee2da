//! The duty of the leader: prepare, then tick, carry out and follow until the term ends.

use std::time::Duration;

use async_trait::async_trait;
use ccm_app::leadership::{Duty, Term};
use ccm_domain::Epoch;
use ccm_ports::StoreError;
use ccm_telemetry::Tracer;
use tokio::task::JoinSet;

use crate::runner::Stop;
use crate::{Deps, Engine, Instruments, Parts, SchedulerConfig};

/// Time to write down that unfinished runs are handed back.
const HAND_BACK: Duration = Duration::from_secs(1);

/// The scheduler's part of leadership.
#[derive(Debug)]
pub(crate) struct Scheduling {
    pub(crate) deps: Deps,
    pub(crate) config: SchedulerConfig,
    pub(crate) instruments: Instruments,
    pub(crate) tracer: Tracer,
}

#[async_trait]
impl Duty for Scheduling {
    async fn seal(&self, epoch: Epoch) -> Result<(), StoreError> {
        let sealed = self.deps.fleet.stores.leases.seal(epoch).await?;
        tracing::debug!(leader.epoch = epoch.0, "sealed {sealed} documents");
        Ok(())
    }

    async fn serve(&self, term: Term) -> anyhow::Result<()> {
        let engine = Engine::new(Parts {
            fleet: self.deps.fleet.clone(),
            remotes: self.deps.remotes.clone(),
            epoch: term.epoch,
            holder: self.deps.holder.clone(),
            jobs: self.config.jobs.clone(),
            instruments: self.instruments.clone(),
            tracer: self.tracer.clone(),
        });
        engine.prepare().await?;
        let stop = Stop { leaving: term.leaving.child_token(), ..Stop::default() };
        // Dropped, and so aborted, with this future when trust ends.
        let mut work = JoinSet::new();
        engine.run_lanes(&stop, &mut work);
        let (ticking, following) = (std::sync::Arc::clone(&engine), std::sync::Arc::clone(&engine));
        let (leaving, follow_until) = (stop.leaving.clone(), stop.leaving.clone());
        work.spawn(async move { Ok(ticking.keep_ticking(&leaving).await?) });
        work.spawn(async move { Ok(following.keep_following(&follow_until).await?) });

        let failed = tokio::select! {
            ended = work.join_next() => flatten(ended),
            () = term.leaving.cancelled() => Ok(()),
        };
        stop.leaving.cancel();
        if failed.is_err() {
            // Most likely another leader is at work: nothing more of this one is wanted.
            stop.cut.cancel();
        }
        self.finish(&engine, &stop).await;
        while let Some(ended) = work.join_next().await {
            flatten(Some(ended))?;
        }
        failed
    }
}

impl Scheduling {
    /// Lets runs under way come to their end, and hands back those that do not in time.
    async fn finish(&self, engine: &Engine, stop: &Stop) {
        let limit = self.config.drain.jobs.get();
        let limit = limit.saturating_sub(HAND_BACK).max(limit / 2);
        if tokio::time::timeout(limit, engine.idle()).await.is_err() {
            tracing::warn!("runs under way are handed back to the next leader");
            stop.cut.cancel();
            if tokio::time::timeout(HAND_BACK, engine.idle()).await.is_err() {
                tracing::warn!("some runs could not be handed back; the next leader finds them");
            }
        }
    }
}

fn flatten(
    ended: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>,
) -> anyhow::Result<()> {
    match ended {
        Some(Ok(outcome)) => outcome,
        Some(Err(err)) => Err(err.into()),
        None => Ok(()),
    }
}
