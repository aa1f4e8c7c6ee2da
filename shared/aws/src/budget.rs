//! How many requests may be sent: a bucket that halves its flow when AWS throttles and recovers slowly.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ccm_ports::RemoteError;
use tokio::time::Instant;

/// Nobody waits longer for a turn; then the caller is told that it is throttled.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// A look at a few instances waits no longer: when little is let through, many of them must not keep a sweep away that
/// sees the same in two requests.
pub(crate) const LONGEST_WAIT_OF_A_LOOK: Duration = Duration::from_secs(5);
/// The flow never falls below this share of the full one, so that recovery is noticed.
const LEAST_SHARE: f64 = 0.05;
/// What the flow regains in a second, as a share of the full one: from the least to the full in five minutes.
const REGAINED_A_SECOND: f64 = 1.0 / 300.0;

/// The budget of one account, region and API.
#[derive(Debug)]
pub(crate) struct Budget {
    full: f64,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// Requests that may be sent at once; below zero when some wait for their turn.
    tokens: f64,
    /// Requests a second at present.
    flow: f64,
    at: Instant,
}

impl Budget {
    pub(crate) fn new(full: f64) -> Self {
        let full = full.max(0.1);
        Self { full, state: Mutex::new(State { tokens: full, flow: full, at: Instant::now() }) }
    }

    /// Waits for the turn of one request.
    ///
    /// # Errors
    /// [`RemoteError::Throttled`] at once when the turn is further away than `longest`.
    pub(crate) async fn draw(&self, longest: Duration) -> Result<(), RemoteError> {
        let wait = self.reserve(Instant::now(), longest)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Learns from how a request ended.
    pub(crate) fn learn<T>(&self, done: &Result<T, RemoteError>) {
        if matches!(done, Err(RemoteError::Throttled(_))) {
            self.halve(Instant::now());
        }
    }

    /// Takes one request out and returns how long it has to wait.
    fn reserve(&self, now: Instant, longest: Duration) -> Result<Duration, RemoteError> {
        let mut state = self.refilled(now);
        let missing = 1.0 - state.tokens;
        let wait = Duration::from_secs_f64((missing / state.flow).max(0.0));
        if wait > longest {
            return Err(RemoteError::Throttled(Some(wait)));
        }
        state.tokens -= 1.0;
        Ok(wait)
    }

    fn halve(&self, now: Instant) {
        let mut state = self.refilled(now);
        state.flow = (state.flow / 2.0).max(self.full * LEAST_SHARE);
        state.tokens = state.tokens.min(0.0);
    }

    fn refilled(&self, now: Instant) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(state.at).as_secs_f64();
        state.at = now.max(state.at);
        let earned = passed * state.flow;
        state.flow = (state.flow + passed * self.full * REGAINED_A_SECOND).min(self.full);
        // At most one second's worth is saved up.
        state.tokens = (state.tokens + earned).min(state.flow.max(1.0));
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_passes_and_the_rest_waits_its_turn() {
        let budget = Budget::new(10.0);
        let now = Instant::now();
        let waits: Vec<Duration> =
            (0..30).map(|_| budget.reserve(now, LONGEST_WAIT).unwrap()).collect();

        assert_eq!(waits[9], Duration::ZERO);
        assert!(waits[10] > Duration::ZERO);
        assert!((waits[29].as_secs_f64() - 2.0).abs() < 0.2, "{:?}", waits[29]);
    }

    #[test]
    fn who_would_wait_too_long_is_told_so_at_once() {
        let budget = Budget::new(1.0);
        let now = Instant::now();
        let told = (0..100).find_map(|_| budget.reserve(now, LONGEST_WAIT).err());

        assert!(matches!(told, Some(RemoteError::Throttled(Some(wait))) if wait > LONGEST_WAIT));
    }

    #[test]
    fn looks_leave_room_for_others() {
        let budget = Budget::new(1.0);
        let now = Instant::now();
        let looks =
            (0..100).filter(|_| budget.reserve(now, LONGEST_WAIT_OF_A_LOOK).is_ok()).count();

        assert_eq!(looks, 6);
        assert!(budget.reserve(now, LONGEST_WAIT).is_ok());
    }

    #[test]
    fn throttling_halves_the_flow_which_then_recovers() {
        let budget = Budget::new(10.0);
        let start = Instant::now();
        budget.halve(start);
        budget.halve(start);
        let throttled = (0..5).map(|_| budget.reserve(start, LONGEST_WAIT).unwrap()).max().unwrap();
        let later = start + 400 * SECOND;
        let recovered =
            (0..10).map(|_| budget.reserve(later, LONGEST_WAIT).unwrap()).max().unwrap();

        assert!((throttled.as_secs_f64() - 2.0).abs() < 0.2, "{throttled:?}");
        assert_eq!(recovered, Duration::ZERO);
    }

    #[test]
    fn the_flow_never_dries_up() {
        let budget = Budget::new(10.0);
        let now = Instant::now();
        for _ in 0..50 {
            budget.halve(now);
        }

        assert!(budget.reserve(now, LONGEST_WAIT).unwrap() <= 2 * SECOND);
    }
}
