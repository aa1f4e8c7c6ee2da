//! People who use controllers: deterministic per seed, computed from the clock.
//!
//! **Invariant:** what somebody does at a moment depends on seed, instance and moment only, so two
//! reads of the same span see the same acts, and nothing runs in the background.

use std::time::Duration;

use ccm_domain::{InstanceId, Timestamp};

/// A person acts at most once in a slot of this many milliseconds (10 minutes).
const SLOT: i64 = 10 * 60 * 1_000;
const HOUR: i64 = 3_600 * 1_000;
const DAY: i64 = 24 * HOUR;
/// More is never caught up: nobody looked at the controller for that long.
const LONGEST_CATCH_UP: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How the people of one controller work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Whole working days with a lunch break.
    Office,
    /// An hour or two on some days.
    Bursts,
    /// Nobody comes any more.
    Forgotten,
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Logs in or looks around.
    Visit,
    /// Starts a lab.
    StartLab,
    /// Stops a lab.
    StopLab,
    /// Changes a node of a lab.
    EditNode,
    /// Captures packets.
    Capture,
}

/// One act of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Which of the controller's people, from 0.
    pub person: usize,
    /// What.
    pub deed: Deed,
    /// A number to pick the lab and the node with.
    pub pick: u64,
}

/// The people of one controller.
#[derive(Clone, Copy, Debug)]
pub struct Crew {
    seed: u64,
    habit: Habit,
    people: usize,
    /// Milliseconds that this crew's day begins later than midnight UTC: crews sit in different zones.
    zone: i64,
}

impl Crew {
    /// Returns the people of the given controller in the world `seed`.
    #[must_use]
    pub fn of(seed: u64, instance: &InstanceId) -> Self {
        let seed = instance.as_str().bytes().fold(mix(seed, 0x5eed), |h, b| mix(h, u64::from(b)));
        let habit = match mix(seed, 1) % 20 {
            0..7 => Habit::Office,
            7..16 => Habit::Bursts,
            _ => Habit::Forgotten,
        };
        let people = 1 + usize::try_from(mix(seed, 2) % 3).unwrap_or(0);
        let zone = i64::try_from(mix(seed, 3) % 24).unwrap_or(0) * HOUR;
        Self { seed, habit, people, zone }
    }

    /// Returns the same people with another habit.
    #[must_use]
    pub const fn with_habit(mut self, habit: Habit) -> Self {
        self.habit = habit;
        self
    }

    /// Returns how they work.
    #[must_use]
    pub const fn habit(&self) -> Habit {
        self.habit
    }

    /// Returns how many they are.
    #[must_use]
    pub const fn people(&self) -> usize {
        self.people
    }

    /// Returns a number that depends on this crew and `salt` only.
    #[must_use]
    pub const fn dice(&self, salt: u64) -> u64 {
        mix(self.seed, salt)
    }

    /// Returns what they do after `after` and up to `until`, oldest first.
    #[must_use]
    pub fn acts(&self, after: Timestamp, until: Timestamp) -> Vec<Act> {
        let after = after.max(until.minus(LONGEST_CATCH_UP));
        if self.habit == Habit::Forgotten || after >= until {
            return Vec::new();
        }
        let slots = after.as_millis().div_euclid(SLOT)..=until.as_millis().div_euclid(SLOT);
        let mut acts: Vec<_> = slots
            .flat_map(|slot| (0..self.people).filter_map(move |person| self.act(person, slot)))
            .filter(|act| after < act.at && act.at <= until)
            .collect();
        acts.sort_by_key(|act| act.at);
        acts
    }

    fn act(&self, person: usize, slot: i64) -> Option<Act> {
        let begin = slot * SLOT;
        if !self.is_at_work(person, begin) {
            return None;
        }
        let dice = mix(mix(self.seed, slot.cast_unsigned()), person as u64 + 100);
        let arrives = !self.is_at_work(person, begin - SLOT);
        let leaves = !self.is_at_work(person, begin + SLOT);
        let deed = match dice % 100 {
            _ if arrives => Deed::StartLab,
            0..50 if leaves => Deed::StopLab,
            0..15 => return None,
            15..60 => Deed::Visit,
            60..80 => Deed::EditNode,
            80..90 => Deed::StartLab,
            90..96 => Deed::StopLab,
            _ => Deed::Capture,
        };
        let offset = i64::try_from(mix(dice, 7) % SLOT.unsigned_abs()).unwrap_or(0);
        let at = Timestamp::from_millis(begin + offset);
        Some(Act { at, person, deed, pick: mix(dice, 8) })
    }

    fn is_at_work(&self, person: usize, at: i64) -> bool {
        let local = at - self.zone;
        let day = local.div_euclid(DAY);
        let clock = local.rem_euclid(DAY);
        let dice = mix(mix(self.seed, day.cast_unsigned()), person as u64 + 1);
        let vary = |salt: u64, most: i64| {
            i64::try_from(mix(dice, salt) % most.unsigned_abs()).unwrap_or(0)
        };
        match self.habit {
            Habit::Office => {
                let begin = 8 * HOUR + vary(1, HOUR);
                let lunch = 12 * HOUR + vary(2, HOUR / 2);
                let end = 16 * HOUR + vary(3, 2 * HOUR);
                (begin..lunch).contains(&clock) || (lunch + HOUR..end).contains(&clock)
            }
            Habit::Bursts => {
                let begin = 7 * HOUR + vary(1, 10 * HOUR);
                !dice.is_multiple_of(3)
                    && (begin..begin + HOUR / 2 + vary(2, 2 * HOUR)).contains(&clock)
            }
            Habit::Forgotten => false,
        }
    }
}

/// Mixes two numbers into one that looks random (the finalizer of SplitMix64).
const fn mix(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crew(habit: Habit) -> Crew {
        Crew::of(7, &"i-0abcd1234ef567890".parse().unwrap()).with_habit(habit)
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_millis(20_000 * DAY + hour * HOUR)
    }

    #[test]
    fn a_span_read_in_pieces_shows_the_same_acts_as_the_whole() {
        let crew = crew(Habit::Office);

        let whole = crew.acts(at(0), at(48));
        let pieces: Vec<_> = (0..48 * 7)
            .flat_map(|i| {
                let from = at(0).plus(Duration::from_secs(i * 3_600 / 7));
                crew.acts(from, at(0).plus(Duration::from_secs((i + 1) * 3_600 / 7)))
            })
            .collect();

        assert!(whole.len() > 20, "{}", whole.len());
        assert_eq!(pieces, whole);
    }

    #[test]
    fn office_days_have_evenings_and_a_forgotten_controller_has_nobody() {
        let acts = crew(Habit::Office).acts(at(0), at(24 * 5));
        let longest = acts.windows(2).map(|pair| pair[1].at.since(pair[0].at)).max().unwrap();

        assert!(longest > Duration::from_secs(10 * 3_600), "{longest:?}");
        assert!(crew(Habit::Forgotten).acts(at(0), at(24 * 5)).is_empty());
    }

    #[test]
    fn a_fleet_has_all_habits() {
        let habits: Vec<_> =
            (0..40).map(|i| Crew::of(1, &format!("i-{i:017x}").parse().unwrap()).habit()).collect();

        for habit in [Habit::Office, Habit::Bursts, Habit::Forgotten] {
            assert!(habits.iter().filter(|h| **h == habit).count() >= 3, "{habit:?} in {habits:?}");
        }
    }
}
