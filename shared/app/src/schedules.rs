//! Schedules: changed, paused and triggered at run time; the leader picks it up at once.

use ccm_domain::schedule::{SchedulePatch, Slot};
use ccm_domain::{Actor, DomainError, Permission, Schedule};
use ccm_ports::{Chime, Page, Query, Writer};

use crate::{Expected, Fleet, Result};

impl Fleet {
    /// Lists schedules.
    ///
    /// # Errors
    /// When the actor may not read, or the store fails.
    pub async fn list_schedules(&self, actor: &Actor, page: Query) -> Result<Page<Schedule>> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        Ok(self.stores.schedules.list(&page).await?)
    }

    /// Changes a schedule.
    ///
    /// # Errors
    /// When the actor may not, somebody else was first, or a field is out of its bounds.
    pub async fn change_schedule(
        &self,
        actor: &Actor,
        name: &str,
        expected: &Expected,
        patch: &SchedulePatch,
    ) -> Result<Schedule> {
        let (by, now) = (actor.author(), self.clock.now());
        let change = |schedule: &mut Schedule| {
            expected.must_hold(schedule.spec_rev)?;
            schedule.changed(patch.clone(), &by, now)?;
            Ok(())
        };
        Ok(self.with_schedule(actor, name, change).await?.0)
    }

    /// Pauses a schedule: nothing runs by itself until it is resumed.
    ///
    /// # Errors
    /// When the actor may not, or there is no such schedule.
    pub async fn pause_schedule(&self, actor: &Actor, name: &str) -> Result<Schedule> {
        let (by, now) = (actor.author(), self.clock.now());
        Ok(self.with_schedule(actor, name, |schedule| Ok(schedule.pause(&by, now))).await?.0)
    }

    /// Resumes a schedule at the next slot of its grid.
    ///
    /// # Errors
    /// When the actor may not, or there is no such schedule.
    pub async fn resume_schedule(&self, actor: &Actor, name: &str) -> Result<Schedule> {
        let (by, now) = (actor.author(), self.clock.now());
        Ok(self.with_schedule(actor, name, |schedule| Ok(schedule.resume(&by, now))).await?.0)
    }

    /// Asks for a run now, paused or not; returns the slot that it will have.
    ///
    /// # Errors
    /// When the actor may not, or there is no such schedule.
    pub async fn trigger_schedule(&self, actor: &Actor, name: &str) -> Result<(Schedule, Slot)> {
        let (by, now) = (actor.author(), self.clock.now());
        self.with_schedule(actor, name, |schedule| Ok(schedule.trigger(&by, now))).await
    }

    async fn with_schedule<R: Send>(
        &self,
        actor: &Actor,
        name: &str,
        intent: impl FnMut(&mut Schedule) -> Result<R> + Send,
    ) -> Result<(Schedule, R)> {
        actor.must(Permission::ControlSchedules).map_err(DomainError::from)?;
        let outcome = self.update(&self.stores.schedules, name, Writer::Intent, intent).await?;
        self.bell.ring(Chime::Commands).await;
        Ok(outcome)
    }
}
