//! Dead letters that people want to be sent once more: beside the order of events, one attempt each.

use std::time::Duration;

use bytes::Bytes;
use ccm_app::FleetError;
use ccm_domain::sink::DeadLetterState;
use ccm_domain::{DeadLetter, Sink};
use ccm_ports::{Document as _, Query, StoreError, Writer};
use tokio::time::Instant;

use super::{Line, Sent, of_store, turn_off_if_gone};

/// Dead letters sent between two pages of the log.
const AT_ONCE: u32 = 20;

impl Line {
    /// Sends what is queued; returns whether nothing is left.
    pub(super) async fn replay(&mut self) -> Result<bool, StoreError> {
        let queued = Query::default()
            .is("sink", self.spec.name.as_str())
            .is("state", DeadLetterState::Queued.name())
            .limit(AT_ONCE);
        let letters = self.desk.fleet.stores.dead_letters.list(&queued).await?.items;
        let is_last = letters.len() < AT_ONCE as usize;
        for letter in &letters {
            let is_over = self.leaving.is_cancelled() || !self.place.sink().is_active();
            if is_over || self.wait().is_some() {
                return Ok(true);
            }
            self.replay_one(letter).await?;
        }
        Ok(is_last)
    }

    async fn replay_one(&mut self, letter: &DeadLetter) -> Result<(), StoreError> {
        let json = Bytes::from(letter.json.clone());
        let (mut attempt, refusal) =
            match self.send(letter.seq, &letter.event, &letter.kind, json).await {
                Sent::Taken(attempt) => (attempt, None),
                Sent::Refused(attempt, refusal) => (attempt, Some(refusal)),
                Sent::Abandoned => return Ok(()),
            };
        attempt.replay = true;
        let now = self.desk.fleet.now();
        let error = refusal.as_ref().map(|refusal| refusal.reason.clone());
        let letters = &self.desk.fleet.stores.dead_letters;
        let settle = |letter: &mut DeadLetter| {
            letter.replayed(error.clone(), now);
            Ok(())
        };
        match self.desk.fleet.update(letters, &letter.key(), Writer::Intent, settle).await {
            Ok(_) => {}
            // Forgotten meanwhile.
            Err(FleetError::Store(StoreError::NotFound(_))) => {}
            Err(err) => return Err(of_store(err)),
        }
        let pause = refusal.as_ref().and_then(|refusal| refusal.retry_after);
        self.quiet_until = pause.map(|pause: Duration| Instant::now() + pause);
        self.place
            .write(|sink: &mut Sink| {
                sink.replayed(attempt.clone());
                if let Some(refusal) = &refusal {
                    turn_off_if_gone(sink, refusal, now);
                }
            })
            .await
    }
}
