//! Waiting between attempts: capped, fully jittered, resettable.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Pauses that grow from `base` to `cap` and are spread over the whole range.
///
/// Full jitter (each pause is uniform between zero and the current bound) keeps many processes that
/// lost the same server from coming back at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempts: u32,
}

impl Backoff {
    /// Returns a backoff whose bound starts at `base`, doubles, and never passes `cap`.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, attempts: 0 }
    }

    /// Returns the longest that the next pause can be.
    #[must_use]
    pub fn bound(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.attempts).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// Returns the next pause and makes the one after it longer.
    pub fn next_pause(&mut self) -> Duration {
        let bound = self.bound();
        // Past 31 doublings the bound cannot grow; the cap was reached long before.
        self.attempts = (self.attempts + 1).min(31);
        bound.mul_f64(rand::random::<f64>())
    }

    /// Starts over: the last attempt went well.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

impl Default for Backoff {
    /// From 200 ms to 10 s: quick after a blip, easy on a server that is down.
    fn default() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(10))
    }
}

/// Repeats `attempt` until it works; `None` when `stop` was cancelled first.
///
/// Each failure is logged at `warn` with `what` and the pause that follows.
pub async fn retry<T, F, Fut>(
    what: &str,
    mut backoff: Backoff,
    stop: &CancellationToken,
    mut attempt: F,
) -> Option<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<T>>,
{
    let whole = async {
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(err) => {
                    let pause = backoff.next_pause();
                    tracing::warn!(
                        error = format!("{err:#}"),
                        "{what} failed, trying again in {} ms",
                        pause.as_millis()
                    );
                    tokio::time::sleep(pause).await;
                }
            }
        }
    };
    stop.run_until_cancelled(whole).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn the_bound_doubles_to_the_cap_and_starts_over_after_a_reset() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(500));

        let mut bounds = Vec::new();
        for _ in 0..5 {
            let bound = backoff.bound();
            assert!(backoff.next_pause() <= bound);
            bounds.push(bound.as_millis());
        }
        assert_eq!(bounds, [100, 200, 400, 500, 500]);

        backoff.reset();
        assert_eq!(backoff.bound().as_millis(), 100);
    }

    #[test]
    fn pauses_use_the_whole_range() {
        let pauses: Vec<_> = (0..200).map(|_| Backoff::default().next_pause()).collect();

        let short = pauses.iter().filter(|pause| **pause < Duration::from_millis(100)).count();
        assert!((50..150).contains(&short), "{short} of 200 in the lower half");
    }

    #[test]
    fn a_backoff_that_fails_for_ever_does_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for _ in 0..1000 {
            assert!(backoff.next_pause() <= Duration::from_secs(60));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retry_goes_on_until_it_works() {
        let attempts = AtomicU32::new(0);

        let done = retry("connecting", Backoff::default(), &CancellationToken::new(), || async {
            match attempts.fetch_add(1, Ordering::Relaxed) {
                0..4 => anyhow::bail!("not yet"),
                n => Ok(n),
            }
        })
        .await;

        assert_eq!(done, Some(4));
    }

    #[tokio::test(start_paused = true)]
    async fn retry_ends_when_the_process_stops() {
        let stop = CancellationToken::new();
        stop.cancel();

        let done: Option<()> =
            retry("connecting", Backoff::default(), &stop, || async { anyhow::bail!("never") })
                .await;

        assert_eq!(done, None);
    }
}
