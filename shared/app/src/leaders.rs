//! Who leads: kept in one document a role, told once a term.

use ccm_domain::Epoch;
use ccm_ports::{Leader, LeaseRole, StoreError, Writer};

use crate::{Fleet, FleetError, Result};

impl Fleet {
    /// Records and tells that `holder` leads the role in this term; says whether that is news.
    ///
    /// Repeating it does no harm, and neither does a deposed leader that comes late.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn announce_leader(
        &self,
        role: LeaseRole,
        epoch: Epoch,
        holder: &str,
    ) -> Result<bool> {
        let leaders = &self.stores.leaders;
        if leaders.find(role.name()).await?.is_none() {
            let since = self.clock.now();
            let mut first = Leader { role, rev: 1, epoch, holder: holder.to_owned(), since };
            match self.insert(leaders, &mut first, Writer::Intent).await {
                Ok(()) => return Ok(true),
                // Another candidate was first; whoever has the later term is the leader.
                Err(FleetError::Store(StoreError::Taken(_))) => {}
                Err(err) => return Err(err),
            }
        }
        let take = |leader: &mut Leader| {
            let news = leader.epoch < epoch;
            if news {
                leader.epoch = epoch;
                holder.clone_into(&mut leader.holder);
            }
            Ok(news)
        };
        Ok(self.update(leaders, role.name(), Writer::Intent, take).await?.1)
    }
}
