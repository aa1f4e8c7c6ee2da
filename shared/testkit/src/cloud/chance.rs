//! Dice that fall the same way for the same seed, whatever order they are thrown in.
//!
//! **Invariant:** a number depends on the seed and the words only, so that two runs of a simulation agree
//! although their calls interleave differently.

use std::ops::Range;
use std::time::Duration;

/// A point in the tree of chances; [`Chance::of`] and [`Chance::nth`] lead to its branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(u64);

impl Chance {
    /// Starts from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// Returns the branch with a name.
    #[must_use]
    pub fn of(self, word: &str) -> Self {
        // FNV-1a: short, and stable over Rust releases, which std's hasher does not promise.
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mix(self.0 ^ hash))
    }

    /// Returns the branch with a number.
    #[must_use]
    pub const fn nth(self, n: u64) -> Self {
        Self(mix(self.0 ^ mix(n)))
    }

    /// Returns 64 random bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Returns a number from 0 up to, not including, 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn share(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a span within the range.
    #[must_use]
    pub fn span(self, range: &Range<Duration>) -> Duration {
        range.start + range.end.saturating_sub(range.start).mul_f64(self.share())
    }

    /// Returns a number below `n`, 0 when `n` is 0.
    #[must_use]
    pub const fn below(self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.0 % n }
    }

    /// Returns one of the choices.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn pick<T>(self, choices: &[T]) -> &T {
        let at = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        &choices[at]
    }
}

/// The finalizer of SplitMix64.
const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_give_the_same_number() {
        let seed = Chance::new(7);

        assert_eq!(seed.of("boot").nth(3), seed.of("boot").nth(3));
        assert_ne!(seed.of("boot").nth(3), seed.of("boot").nth(4));
        assert_ne!(seed.of("boot"), Chance::new(8).of("boot"));
    }

    #[test]
    fn spans_and_shares_stay_within_their_bounds_and_spread() {
        let range = Duration::from_secs(8)..Duration::from_secs(20);
        let mut low = 0;
        for n in 0..1_000 {
            let chance = Chance::new(1).nth(n);
            assert!((0.0..1.0).contains(&chance.share()));
            assert!(range.contains(&chance.span(&range)));
            low += u32::from(chance.span(&range) < Duration::from_secs(14));
        }
        assert!((400..600).contains(&low), "{low} of 1000 in the lower half");
    }
}
