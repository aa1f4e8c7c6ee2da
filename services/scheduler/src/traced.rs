//! The spans of a leader: one for each attempt of a run, and one for each worker that is stepped.

use ccm_app::Aggregate as _;
use ccm_domain::Worker;
use ccm_telemetry::{Span, SpanKind, propagate};

use crate::Engine;
use crate::engine::Claimed;

/// Wishes that one look names at most beside the first.
const MOST_LINKS: usize = 16;

impl Engine {
    /// Begins the span of an attempt, below the request that asked for the run.
    pub(crate) fn trace_of(&self, claimed: &Claimed) -> Span {
        let run = &claimed.run;
        self.parts
            .tracer
            .span(format!("run {}", run.job))
            .kind(SpanKind::Consumer)
            .under(run.traceparent.as_deref())
            .with("job.name", run.job.clone())
            .with("job.run_id", run.id.to_string())
            .with("leader.epoch", i64::try_from(self.parts.epoch.0).unwrap_or(i64::MAX))
            .start()
    }

    /// Begins the span of a step, below the wish that the worker is on the way to; none when it has no wish.
    ///
    /// The sweep that took the step belongs to another trace, of which the span tells.
    pub(crate) fn trace_of_step(&self, worker: &Worker) -> Option<Span> {
        let wish = worker.wish()?;
        let span = self
            .parts
            .tracer
            .span("step worker")
            .under(Some(wish))
            .linked(propagate::current().as_deref())
            .with("worker.id", worker.id.to_string());
        Some(span.start())
    }

    /// Begins the span of a look at several workers, below the wish of the first; none when none has one.
    pub(crate) fn trace_of_look(&self, workers: &[Worker]) -> Option<Span> {
        if !self.parts.tracer.is_on() {
            return None;
        }
        let mut wishes = workers.iter().filter_map(|worker| worker.wish());
        let span = self.parts.tracer.span("look at workers").under(Some(wishes.next()?));
        let span = wishes.take(MOST_LINKS).fold(span, |span, wish| span.linked(Some(wish)));
        Some(span.linked(propagate::current().as_deref()).start())
    }
}
