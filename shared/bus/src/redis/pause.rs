//! Waiting before a connection is tried again.

use std::time::Duration;

/// Pauses that grow to a second and are spread over their whole range, so that many processes that lost the
/// same server do not come back at once, and all are back soon after it is.
#[derive(Debug, Default)]
pub(super) struct Pause {
    attempts: u32,
}

impl Pause {
    const BASE: Duration = Duration::from_millis(100);
    const CAP: Duration = Duration::from_secs(1);

    /// Waits, the next time longer.
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.attempts = (self.attempts + 1).min(31);
        bound.mul_f64(rand::random())
    }

    fn bound(&self) -> Duration {
        Self::BASE.saturating_mul(1 << self.attempts).min(Self::CAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_stay_there() {
        let mut pause = Pause::default();
        let mut bounds = Vec::new();
        for _ in 0..40 {
            let bound = pause.bound();
            bounds.push(bound.as_millis());
            assert!(pause.next() <= bound);
        }

        assert_eq!(bounds[..6], [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(bounds.last(), Some(&1000));
    }
}
