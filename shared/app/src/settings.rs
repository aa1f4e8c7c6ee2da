//! The fleet's settings: read by everybody, changed as a whole.

use ccm_domain::settings::{Settings, SettingsSpec};
use ccm_domain::{Actor, DomainError, Permission};
use ccm_ports::{SETTINGS_KEY, StoreError, Writer};

use crate::{Expected, Fleet, FleetError, Result};

impl Fleet {
    /// Returns the settings in force; the defaults at revision 0 when nobody ever changed any.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settings(&self) -> Result<Settings> {
        Ok(self.stores.settings.find(SETTINGS_KEY).await?.unwrap_or_default())
    }

    /// Returns the settings for somebody to see.
    ///
    /// # Errors
    /// When the actor may not read, or the store fails.
    pub async fn show_settings(&self, actor: &Actor) -> Result<Settings> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        self.settings().await
    }

    /// Replaces the settings.
    ///
    /// # Errors
    /// When the actor may not, somebody else was first, or a field is out of its bounds.
    pub async fn change_settings(
        &self,
        actor: &Actor,
        expected: &Expected,
        new: &SettingsSpec,
    ) -> Result<Settings> {
        actor.must(Permission::ChangeSettings).map_err(DomainError::from)?;
        let (all, now, by) = (&self.stores.settings, self.clock.now(), actor.author());
        if all.find(SETTINGS_KEY).await?.is_none() {
            let mut first = Settings::default();
            expected.must_hold(first.rev)?;
            if first.put(new.clone(), &by, now)?.is_none() {
                return Ok(first);
            }
            match self.insert(all, &mut first, Writer::Intent).await {
                Ok(()) => return Ok(first),
                // Somebody made the first change a moment ago; go on as with any later one.
                Err(FleetError::Store(StoreError::Taken(_))) => {}
                Err(err) => return Err(err),
            }
        }
        let put = |settings: &mut Settings| {
            expected.must_hold(settings.rev)?;
            settings.put(new.clone(), &by, now)?;
            Ok(())
        };
        let (settings, ()) = self.update(all, SETTINGS_KEY, Writer::Intent, put).await?;
        Ok(settings)
    }
}
