//! Ends streams that are more than this process's share, so that they go where there are fewer.
//!
//! Balancers move no stream that is open. A process that begins is empty, and the one that was restarted last would
//! stay so until streams are old. So every API process tells how many it has, and whoever is above the mean ends
//! its surplus, oldest first: what was moved a moment ago is not moved again. The readers are back within seconds,
//! at the process that has fewest if the balancer counts connections, at any of them if it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ccm_app::{Fleet, Tally};
use ccm_fanout::Hub;
use rand::Rng;
use tokio::time::{Instant, interval, sleep};
use uuid::Uuid;

use super::Live;

#[cfg(test)]
mod tests;

/// How often streams are counted for the others.
const COUNT: Duration = Duration::from_secs(1);
/// Between two handfuls of streams that are ended.
const STEP: Duration = Duration::from_millis(50);
/// Processes are even when the fullest has so many streams more than the emptiest, or a twentieth of the mean.
const FEW: u64 = 4;
/// The longest time without another try while tries do not help.
const LONGEST: Duration = Duration::from_secs(3600);

/// What is known of tries to be rid of a surplus.
#[derive(Debug)]
struct Pace {
    every: Duration,
    pause: Duration,
    again: Instant,
    before: u64,
    others: BTreeSet<Uuid>,
}

impl Live {
    /// Tells other processes how many streams there are here, and sends a surplus to them.
    ///
    /// `noticed` is how long balancers may take to see that a process began: before, streams that are ended for it
    /// would come back to where they were.
    pub(crate) fn share_with_others(&self, fleet: Fleet, tally: Tally, noticed: Duration) {
        let (hub, every) = (self.0.hub.clone(), self.0.settings.rebalance.get());
        let (mut is_open, leaving) = (self.0.is_open.clone(), self.0.shell.drain.requested());
        self.0.shell.tasks.spawn("rebalance", async move {
            let sharing = async {
                // The sender lives as long as the feed, which ends with the process.
                let _ = is_open.wait_for(|open| *open).await;
                sleep(noticed).await;
                tokio::join!(count(&hub, &tally), balance(&hub, &fleet, &tally, every))
            };
            leaving.run_until_cancelled(sharing).await;
            tally.set(None);
        });
    }
}

async fn count(hub: &Hub, tally: &Tally) {
    let mut ticks = interval(COUNT);
    loop {
        ticks.tick().await;
        tally.set(Some(hub.clients() as u64));
    }
}

async fn balance(hub: &Hub, fleet: &Fleet, tally: &Tally, every: Duration) {
    if every.is_zero() {
        return;
    }
    let mut pace = Pace::new(every);
    loop {
        let pause = every.mul_f64(rand::rng().random_range(0.9..1.1));
        sleep(pause).await;
        let others = match fleet.streams_elsewhere(tally).await {
            Ok(others) => others,
            Err(err) => {
                let error = format!("{:#}", anyhow::Error::new(err));
                tracing::debug!(error, "nothing is known of streams elsewhere");
                continue;
            }
        };
        let own = hub.clients() as u64;
        let surplus = surplus(own, others.values());
        if pace.allows(surplus, &others) {
            tracing::info!(surplus, own, "ends {surplus} of {own} streams: others have fewer");
            // What was ended must be counted elsewhere before the next look: a third, and then a beat of the others.
            send_elsewhere(hub, surplus, every / 3).await;
        }
    }
}

/// Returns how many streams are above the mean of all processes, when these are not even.
fn surplus<'a>(own: u64, others: impl Iterator<Item = &'a u64>) -> u64 {
    let (mut least, mut most, mut all, mut count) = (own, own, own, 1);
    for streams in others {
        (least, most) = (least.min(*streams), most.max(*streams));
        (all, count) = (all + streams, count + 1);
    }
    if most - least <= FEW.max(all / count / 20) {
        return 0;
    }
    own.saturating_sub(all.div_ceil(count))
}

/// Ends so many streams, spread over some time.
async fn send_elsewhere(hub: &Hub, surplus: u64, spread: Duration) {
    let ids = hub.oldest(usize::try_from(surplus).unwrap_or(usize::MAX));
    let steps = usize::try_from(spread.as_millis() / STEP.as_millis()).unwrap_or(1).max(1);
    for handful in ids.chunks(ids.len().div_ceil(steps).max(1)) {
        for id in handful {
            hub.send_elsewhere(*id);
        }
        sleep(STEP).await;
    }
}

impl Pace {
    fn new(every: Duration) -> Self {
        let others = BTreeSet::new();
        Self { every, pause: every, again: Instant::now(), before: 0, others }
    }

    /// Returns whether to end the surplus now. When the last time hardly helped, the next is twice as far away: a
    /// balancer that is sticky sends everybody back. Other processes are another chance.
    fn allows(&mut self, surplus: u64, others: &BTreeMap<Uuid, u64>) -> bool {
        let others: BTreeSet<Uuid> = others.keys().copied().collect();
        let now = Instant::now();
        if surplus == 0 || self.others != others {
            (self.pause, self.again, self.before) = (self.every, now, 0);
            self.others = others;
        }
        if surplus == 0 || now < self.again {
            return false;
        }
        let helped = self.before == 0 || surplus <= self.before / 10 * 9;
        self.pause = if helped { self.every } else { (self.pause * 2).min(LONGEST) };
        (self.again, self.before) = (now + self.pause / 2, surplus);
        true
    }
}
