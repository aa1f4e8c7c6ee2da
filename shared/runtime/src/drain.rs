//! The phases of stopping and their order.

use std::time::Duration;

use ccm_config::section::DrainSection;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Ready, Tasks};

/// Which phase of stopping a [`Hold`] keeps open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A live stream; has `drain.streams` from the start of draining.
    Streams,
    /// A run of a job; has `drain.jobs` from the start of draining.
    Jobs,
    /// An HTTP request; has `drain.requests` after the listener stopped.
    Requests,
}

/// Knows what is under way and stops a process in good order. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Drain {
    tasks: Tasks,
    requested: CancellationToken,
    parts: [watch::Sender<usize>; 3],
}

/// Keeps a phase of stopping open until it is dropped.
#[derive(Debug)]
pub struct Hold(watch::Sender<usize>);

impl Drain {
    /// Returns a drain of `tasks`.
    #[must_use]
    pub fn new(tasks: &Tasks) -> Self {
        Self {
            tasks: tasks.clone(),
            requested: CancellationToken::new(),
            parts: [0; 3].map(watch::Sender::new),
        }
    }

    /// Asks the process to stop. May be called from anywhere, any number of times.
    pub fn request(&self) {
        self.requested.cancel();
    }

    /// Is cancelled as soon as somebody asked the process to stop.
    #[must_use]
    pub fn requested(&self) -> CancellationToken {
        self.requested.clone()
    }

    /// Says that something of `part` is under way until the hold is dropped.
    #[must_use]
    pub fn hold(&self, part: Part) -> Hold {
        let count = self.part(part).clone();
        count.send_modify(|count| *count += 1);
        Hold(count)
    }

    /// Returns how many things of `part` are under way.
    #[must_use]
    pub fn held(&self, part: Part) -> usize {
        *self.part(part).borrow()
    }

    /// Runs all phases and returns when everything has ended or its time is over.
    ///
    /// # Errors
    ///
    /// The names of tasks that did not end.
    pub async fn run(&self, limits: &DrainSection, ready: &Ready) -> Result<(), Vec<&'static str>> {
        self.requested.cancel();
        ready.leave();
        let in_a_hurry = self.tasks.failed().is_cancelled();
        if !in_a_hurry {
            tokio::select! {
                () = tokio::time::sleep(limits.delay.get()) => {}
                () = self.tasks.failed().cancelled_owned() => {}
            }
        }
        self.tasks.begin_draining();
        tokio::join!(
            self.wait_for(Part::Streams, limits.streams.get()),
            self.wait_for(Part::Jobs, limits.jobs.get()),
        );
        self.tasks.stopping().cancel();
        self.wait_for(Part::Requests, limits.requests.get()).await;
        self.tasks.drain(DrainSection::LAST_STEP).await
    }

    async fn wait_for(&self, part: Part, limit: Duration) {
        let mut count = self.part(part).subscribe();
        let all_gone = count.wait_for(|count| *count == 0);
        if tokio::time::timeout(limit, all_gone).await.is_err() {
            let left = self.held(part);
            tracing::warn!("{left} {part:?} did not end within {} ms", limit.as_millis());
        }
    }

    fn part(&self, part: Part) -> &watch::Sender<usize> {
        match part {
            Part::Streams => &self.parts[0],
            Part::Jobs => &self.parts[1],
            Part::Requests => &self.parts[2],
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
