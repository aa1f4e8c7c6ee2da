//! A circuit breaker for one worker: one that hangs or lies is left alone for a while.
//!
//! Quick refusals do not count: a controller that boots refuses connections and answers 502, costs
//! nothing, and must be noticed as soon as it is ready.

use std::time::Duration;

use ccm_ports::RemoteError;
use tokio::time::Instant;

/// When the breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerOptions {
    /// So many costly failures in a row open it.
    pub failures: u32,
    /// How long it stays open the first time; doubles with each failed probe.
    pub shortest: Duration,
    /// How long it stays open at most.
    pub longest: Duration,
    /// Share by which that time varies, so that workers do not come back in step.
    pub jitter: f64,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            failures: 3,
            shortest: Duration::from_secs(10),
            longest: Duration::from_secs(60),
            jitter: 0.2,
        }
    }
}

#[derive(Debug)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
        span: Duration,
    },
    /// One call is on its way to find out; given up when it takes until `until`.
    HalfOpen {
        until: Instant,
        span: Duration,
    },
}

/// The breaker.
#[derive(Debug)]
pub(crate) struct Breaker(State);

/// How a call ended, in the breaker's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The controller answered, be it with an error.
    Answered,
    /// It cost time or made no sense.
    Costly,
    /// It was refused at once, or nobody waited for the end: says nothing.
    Quick,
}

impl Default for Breaker {
    fn default() -> Self {
        Self(State::Closed { failures: 0 })
    }
}

impl Breaker {
    /// Lets a call through, or says how long calls are refused.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        match self.0 {
            State::Closed { .. } => Ok(()),
            State::Open { until, .. } | State::HalfOpen { until, .. } if now < until => {
                Err(until - now)
            }
            State::Open { span, .. } | State::HalfOpen { span, .. } => {
                self.0 = State::HalfOpen { until: now + span, span };
                Ok(())
            }
        }
    }

    /// Takes note of how a call ended. `luck` in `0.0..1.0` varies the time it stays open.
    pub(crate) fn note(
        &mut self,
        outcome: Outcome,
        now: Instant,
        options: &BreakerOptions,
        luck: f64,
    ) {
        let open = |span: Duration| {
            let varied = span.mul_f64(1.0 + options.jitter * (2.0 * luck - 1.0));
            State::Open { until: now + varied, span }
        };
        self.0 = match (&self.0, outcome) {
            (_, Outcome::Answered) => State::Closed { failures: 0 },
            (State::Closed { failures }, Outcome::Costly) if failures + 1 < options.failures => {
                State::Closed { failures: failures + 1 }
            }
            (State::Closed { .. }, Outcome::Costly) => open(options.shortest),
            (State::HalfOpen { span, .. }, Outcome::Costly) => {
                open((*span * 2).min(options.longest))
            }
            // It listens again, or at least says no quickly: the next call may find out.
            (State::HalfOpen { .. }, Outcome::Quick) => State::Closed { failures: 0 },
            // Calls that began before it opened.
            (State::Open { .. }, Outcome::Costly | Outcome::Quick)
            | (State::Closed { .. }, Outcome::Quick) => return,
        };
    }
}

/// Says what a failed call means for the breaker.
pub(crate) fn outcome_of(error: &RemoteError, was_quick: bool) -> Outcome {
    match error {
        RemoteError::Unavailable(_) if was_quick => Outcome::Quick,
        RemoteError::Unavailable(_) | RemoteError::Unexpected(_) => Outcome::Costly,
        RemoteError::Throttled(_)
        | RemoteError::Denied(_)
        | RemoteError::Tls(_)
        | RemoteError::NotFound(_)
        | RemoteError::Conflict(_)
        | RemoteError::Capacity(_)
        | RemoteError::Quota(_)
        | RemoteError::Invalid(_) => Outcome::Answered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: BreakerOptions = BreakerOptions {
        failures: 2,
        shortest: Duration::from_secs(10),
        longest: Duration::from_secs(30),
        jitter: 0.2,
    };

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn costly_failures_in_a_row_open_it_and_an_answer_between_does_not_count() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());

        breaker.note(Outcome::Costly, now, &OPTIONS, 0.5);
        breaker.note(Outcome::Answered, now, &OPTIONS, 0.5);
        breaker.note(Outcome::Costly, now, &OPTIONS, 0.5);
        assert_eq!(breaker.admit(now), Ok(()));

        breaker.note(Outcome::Costly, now, &OPTIONS, 0.5);
        assert_eq!(breaker.admit(now), Err(Duration::from_secs(10)));
    }

    #[test]
    fn quick_refusals_never_open_it() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());

        for _ in 0..100 {
            breaker.note(Outcome::Quick, now, &OPTIONS, 0.5);
        }

        assert_eq!(breaker.admit(now), Ok(()));
    }

    #[test]
    fn one_probe_goes_through_and_decides() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        breaker.note(Outcome::Costly, start, &OPTIONS, 0.5);
        breaker.note(Outcome::Costly, start, &OPTIONS, 0.5);

        assert_eq!(breaker.admit(after(start, 10)), Ok(()));
        assert!(breaker.admit(after(start, 10)).is_err(), "only one probe");
        breaker.note(Outcome::Costly, after(start, 11), &OPTIONS, 0.5);
        assert_eq!(breaker.admit(after(start, 11)), Err(Duration::from_secs(20)));

        assert_eq!(breaker.admit(after(start, 31)), Ok(()));
        breaker.note(Outcome::Answered, after(start, 31), &OPTIONS, 0.5);
        assert_eq!(breaker.admit(after(start, 31)), Ok(()));
    }

    #[test]
    fn a_probe_that_nobody_finished_is_replaced() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        breaker.note(Outcome::Costly, start, &OPTIONS, 0.5);
        breaker.note(Outcome::Costly, start, &OPTIONS, 0.5);

        assert_eq!(breaker.admit(after(start, 10)), Ok(()));

        assert_eq!(breaker.admit(after(start, 20)), Ok(()));
    }

    #[test]
    fn the_open_time_varies_and_is_bounded() {
        for (luck, seconds) in [(0.0, 8), (0.5, 10), (1.0, 12)] {
            let (mut breaker, now) = (Breaker::default(), Instant::now());
            breaker.note(Outcome::Costly, now, &OPTIONS, luck);
            breaker.note(Outcome::Costly, now, &OPTIONS, luck);

            assert_eq!(breaker.admit(now), Err(Duration::from_secs(seconds)));
        }
    }
}
