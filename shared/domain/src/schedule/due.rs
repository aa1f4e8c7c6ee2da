//! Which slot is to be claimed now, and which are left out.

use std::time::Duration;

use super::cadence::Grid;
use super::{Misfire, Overlap, Schedule, SkipReason, Skipped, Slot};
use crate::Timestamp;

/// How late a slot may be to count as in time: a change of leader takes a fraction of it.
pub const GRACE: Duration = Duration::from_secs(60);

/// What is to be done about a schedule now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The slot to claim and run.
    pub run: Option<Slot>,
    /// The slots that are left out.
    pub skipped: Option<Skipped>,
    next_at: Option<Slot>,
}

/// Slots of the grid that are due and not claimed.
struct Waiting {
    first: Slot,
    newest: Slot,
    count: u64,
}

impl Schedule {
    /// Says what is to be done now; none when nothing is.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Due> {
        // Nearly every schedule has nothing to do in a tick; reading a cron expression costs more.
        if self.triggered.is_none() && self.next_at.is_none_or(|next| next > Slot::at(now)) {
            return None;
        }
        let grid = self.grid();
        let waiting = grid.as_ref().and_then(|grid| self.waiting(grid, now));
        if self.open.is_some() {
            // With a trigger pending nothing is left out yet: its run will stand for these slots, and
            // may be one of them.
            let skips = self.spec.overlap == Overlap::Skip && self.triggered.is_none();
            let waiting = waiting.filter(|_| skips)?;
            return Some(leave_out(grid.as_ref()?, &waiting, SkipReason::Overlap));
        }
        if let Some(asked) = self.triggered {
            return Some(self.run_triggered(grid.as_ref(), asked));
        }
        Some(self.run_waiting(grid.as_ref()?, &waiting?, now))
    }

    /// Does it: claims the slot, reports what is left out. The caller writes the schedule, then makes
    /// the run of the returned slot.
    pub fn claim(&mut self, now: Timestamp) -> Option<Due> {
        let due = self.due(now)?;
        self.report(due.skipped);
        if let Some(slot) = due.run {
            self.claimed = Some(slot);
            self.open = Some(slot);
            self.triggered = self.triggered.filter(|asked| *asked != slot);
        }
        self.next_at = due.next_at;
        Some(due)
    }

    pub(super) fn grid(&self) -> Option<Grid> {
        Grid::new(&self.spec.name, &self.spec.cadence, self.spec.jitter_s)
    }

    /// Returns slots that would be lost if the grid were replaced at this moment.
    pub(super) fn overdue(&self, now: Timestamp) -> Option<Skipped> {
        let waiting = self.waiting(&self.grid()?, now)?;
        Skipped::new(waiting.first, waiting.newest, waiting.count, SkipReason::Changed)
    }

    fn waiting(&self, grid: &Grid, now: Timestamp) -> Option<Waiting> {
        let first = self.next_at.filter(|next| self.spec.enabled && *next <= Slot::at(now))?;
        let newest = grid.newest(Slot::at(now)).map_or(first, |newest| newest.max(first));
        Some(Waiting { first, newest, count: 1 + grid.count(first, newest) })
    }

    /// A trigger's run stands for all slots of the grid up to it.
    fn run_triggered(&self, grid: Option<&Grid>, asked: Slot) -> Due {
        let keep = Due { run: Some(asked), skipped: None, next_at: self.next_at };
        let (Some(grid), Some(first)) = (grid, self.next_at.filter(|next| *next <= asked)) else {
            return keep;
        };
        let next_at = grid.after(asked);
        if first == asked {
            return Due { next_at, ..keep };
        }
        // The slot itself may lie on the grid; it is run, not left out.
        let before = Slot(asked.0 - 1);
        let last = grid.newest(before).map_or(first, |newest| newest.max(first));
        let count = 1 + grid.count(first, last);
        Due { skipped: Skipped::new(first, last, count, SkipReason::Triggered), next_at, ..keep }
    }

    fn run_waiting(&self, grid: &Grid, waiting: &Waiting, now: Timestamp) -> Due {
        let most = match self.spec.misfire {
            Misfire::Skip if now.since(waiting.newest.due_at()) > GRACE => {
                return leave_out(grid, waiting, SkipReason::Missed);
            }
            Misfire::Skip | Misfire::Once => 1,
            Misfire::CatchUp { most } => u64::from(most.max(1)),
        };
        let mut run = waiting.newest;
        let mut kept = 1;
        let mut last_left_out = None;
        while run > waiting.first {
            let earlier =
                grid.newest(Slot(run.0 - 1)).map_or(waiting.first, |e| e.max(waiting.first));
            if kept == most {
                last_left_out = Some(earlier);
                break;
            }
            run = earlier;
            kept += 1;
        }
        let skipped = last_left_out.and_then(|last| {
            Skipped::new(waiting.first, last, waiting.count - kept, SkipReason::Missed)
        });
        Due { run: Some(run), skipped, next_at: grid.after(run) }
    }
}

fn leave_out(grid: &Grid, waiting: &Waiting, reason: SkipReason) -> Due {
    let skipped = Skipped::new(waiting.first, waiting.newest, waiting.count, reason);
    Due { run: None, skipped, next_at: grid.after(waiting.newest) }
}
