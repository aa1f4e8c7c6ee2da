//! Times in order, of which the middle and the ends are told.

use std::time::Duration;

/// Measured times, sorted. Every one is kept, so that no quantile is an estimate.
#[derive(Debug, Default)]
pub(crate) struct Spread(Vec<Duration>);

impl Spread {
    /// Returns the smallest time that at least `share` of all are not above; zero when there are none.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let count = self.0.len();
        let rank = (count as f64 * share).ceil().max(1.0) as usize;
        self.0.get(rank.min(count).wrapping_sub(1)).copied().unwrap_or_default()
    }

    /// Returns the longest.
    pub(crate) fn most(&self) -> Duration {
        self.at(1.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Duration> for Spread {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let spread: Spread = (1..=200).rev().map(Duration::from_millis).collect();

        for (share, millis) in [(0.0, 1), (0.005, 1), (0.5, 100), (0.99, 198), (0.999, 200)] {
            assert_eq!(spread.at(share), Duration::from_millis(millis), "{share}");
        }
        assert_eq!((spread.most(), spread.len()), (Duration::from_millis(200), 200));
        assert_eq!(Spread::default().at(0.5), Duration::ZERO);
    }
}
