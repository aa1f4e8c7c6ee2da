//! Making a schedule and changing it while it runs.

use serde::{Deserialize, Serialize};

use super::cadence::Grid;
use super::{Cadence, Misfire, Overlap, Schedule, ScheduleFact, ScheduleSpec, Slot};
use crate::{Author, DomainError, FieldFault, Timestamp};

/// The most slots that are caught up: more would be a storm after a long stop.
pub const MOST_CATCH_UP: u32 = 100;

/// A change; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulePatch {
    /// How often.
    pub cadence: Option<Cadence>,
    /// Spread, seconds.
    pub jitter_s: Option<u64>,
    /// What to do about missed slots.
    pub misfire: Option<Misfire>,
    /// What to do about overlapping slots.
    pub overlap: Option<Overlap>,
    /// Whether it runs by itself.
    pub enabled: Option<bool>,
}

impl ScheduleSpec {
    /// Returns every field that is out of its bounds.
    #[must_use]
    pub fn check(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if !is_name(&self.name) {
            let detail = "must have 1 to 64 letters, digits, '_', '-' or '.'";
            faults.push(FieldFault::new("/name", detail));
        }
        self.cadence.check(self.jitter_s, &mut faults);
        if let Misfire::CatchUp { most } = self.misfire
            && !(1..=MOST_CATCH_UP).contains(&most)
        {
            let detail = format!("must be from 1 to {MOST_CATCH_UP}");
            faults.push(FieldFault::new("/misfire/most", detail));
        }
        faults
    }
}

impl Schedule {
    /// Makes a schedule; an enabled one is due at once, so that a fresh fleet is not blind for a period.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with every field that is out of bounds.
    pub fn new(spec: ScheduleSpec, now: Timestamp) -> Result<Self, DomainError> {
        DomainError::unless_clean(spec.check())?;
        Ok(Self {
            next_at: spec.enabled.then_some(Slot::at(now)),
            spec,
            rev: 1,
            spec_rev: 1,
            triggered: None,
            triggered_in: None,
            claimed: None,
            open: None,
            last: None,
            last_success_at: None,
            last_skip: None,
            skipped: 0,
            changed_at: None,
            changed_by: None,
            facts: Vec::new(),
        })
    }

    /// Changes it; says whether anything is another than before. Slots of the grid as it was that are due
    /// and unclaimed are reported as left out.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with every field that is out of bounds; nothing is changed then.
    pub fn changed(
        &mut self,
        patch: SchedulePatch,
        by: &Author,
        now: Timestamp,
    ) -> Result<bool, DomainError> {
        let mut spec = self.spec.clone();
        patch.apply(&mut spec);
        DomainError::unless_clean(spec.check())?;
        if spec == self.spec {
            return Ok(false);
        }
        let regrid = (&spec.cadence, spec.jitter_s, spec.enabled)
            != (&self.spec.cadence, self.spec.jitter_s, self.spec.enabled);
        if regrid {
            self.report(self.overdue(now));
        }
        self.spec = spec;
        if regrid {
            self.next_at = self.first_after(now);
        }
        self.record(by, now);
        Ok(true)
    }

    /// Pauses it: nothing runs by itself until it is resumed. Says whether it ran before.
    pub fn pause(&mut self, by: &Author, now: Timestamp) -> bool {
        self.switch(false, by, now)
    }

    /// Resumes it at the next slot of its grid; says whether it was paused.
    pub fn resume(&mut self, by: &Author, now: Timestamp) -> bool {
        self.switch(true, by, now)
    }

    /// Asks for a run now, paused or not; returns its slot. Two requests before it is claimed are one.
    pub fn trigger(&mut self, by: &Author, now: Timestamp) -> Slot {
        if let Some(asked) = self.triggered {
            return asked;
        }
        let slot = self.claimed.map_or(Slot::at(now), |last| Slot::at(now).max(last.next()));
        self.triggered = Some(slot);
        self.facts.push(ScheduleFact::Changed { by: by.clone() });
        slot
    }

    fn switch(&mut self, enabled: bool, by: &Author, now: Timestamp) -> bool {
        let patch = SchedulePatch { enabled: Some(enabled), ..SchedulePatch::default() };
        // A switch leaves no bounds, so an error would mean that nothing was changed.
        self.changed(patch, by, now).unwrap_or(false)
    }

    fn first_after(&self, now: Timestamp) -> Option<Slot> {
        let from = self.claimed.map_or(Slot::at(now), |last| last.max(Slot::at(now)));
        let grid = Grid::new(&self.spec.name, &self.spec.cadence, self.spec.jitter_s)?;
        grid.after(from).filter(|_| self.spec.enabled)
    }

    fn record(&mut self, by: &Author, now: Timestamp) {
        self.spec_rev += 1;
        self.changed_at = Some(now);
        self.changed_by = Some(by.clone());
        self.facts.push(ScheduleFact::Changed { by: by.clone() });
    }
}

impl SchedulePatch {
    fn apply(self, spec: &mut ScheduleSpec) {
        let Self { cadence, jitter_s, misfire, overlap, enabled } = self;
        spec.cadence = cadence.unwrap_or_else(|| spec.cadence.clone());
        spec.jitter_s = jitter_s.unwrap_or(spec.jitter_s);
        spec.misfire = misfire.unwrap_or(spec.misfire);
        spec.overlap = overlap.unwrap_or(spec.overlap);
        spec.enabled = enabled.unwrap_or(spec.enabled);
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
