//! Sinks as people see and control them. What is sent, and when, is the relay's business.

use ccm_domain::sink::DeadLetterState;
use ccm_domain::{Actor, DeadLetter, DomainError, Permission, Sink, SinkName};
use ccm_ports::{Chime, Page, Query, StoreError, Writer, dead_letter_key};

use crate::{Fleet, FleetError, Result};

const NO_SUCH_SINK: FleetError = FleetError::Store(StoreError::NotFound("sink"));

/// The most dead letters that one request queues; the rest is asked for again.
const MOST_REPLAYED: u32 = 1_000;

impl Fleet {
    /// Lists sinks.
    ///
    /// # Errors
    /// When the actor may not, or the store fails.
    pub async fn list_sinks(&self, actor: &Actor, page: Query) -> Result<Page<Sink>> {
        must_control(actor)?;
        Ok(self.stores.sinks.list(&page).await?)
    }

    /// Returns a sink.
    ///
    /// # Errors
    /// When the actor may not, or there is none.
    pub async fn find_sink(&self, actor: &Actor, name: &SinkName) -> Result<Sink> {
        must_control(actor)?;
        self.stores.sinks.find(name.as_str()).await?.ok_or(NO_SUCH_SINK)
    }

    /// Sends to a sink again, at once.
    ///
    /// # Errors
    /// When the actor may not, there is none, or it is not configured.
    pub async fn enable_sink(&self, actor: &Actor, name: &SinkName) -> Result<Sink> {
        let now = self.clock.now();
        Ok(self.with_sink(actor, name, |sink| Ok(sink.enable(now)?)).await?.0)
    }

    /// Sends to a sink no more until it is enabled.
    ///
    /// # Errors
    /// When the actor may not, there is none, or it is not configured.
    pub async fn disable_sink(&self, actor: &Actor, name: &SinkName) -> Result<Sink> {
        let (now, reason) = (self.clock.now(), format!("disabled by {}", actor.author()));
        Ok(self.with_sink(actor, name, |sink| Ok(sink.disable(&reason, now)?)).await?.0)
    }

    /// Lets the event that holds up the others of a sink become a dead letter.
    ///
    /// # Errors
    /// When the actor may not, there is none, or nothing holds it up.
    pub async fn skip_at_sink(&self, actor: &Actor, name: &SinkName) -> Result<Sink> {
        Ok(self.with_sink(actor, name, |sink| Ok(sink.skip()?)).await?.0)
    }

    /// Lists the dead letters of a sink.
    ///
    /// # Errors
    /// When the actor may not, there is no such sink, or the store fails.
    pub async fn list_dead_letters(
        &self,
        actor: &Actor,
        name: &SinkName,
        states: &[DeadLetterState],
        page: Query,
    ) -> Result<Page<DeadLetter>> {
        self.find_sink(actor, name).await?;
        let mut query = page.is("sink", name.as_str());
        if !states.is_empty() {
            let states = states.iter().map(|state| state.name().to_owned()).collect();
            query = query.and(ccm_ports::Filter::In("state", states));
        }
        Ok(self.stores.dead_letters.list(&query).await?)
    }

    /// Asks for a dead letter to be sent once more.
    ///
    /// # Errors
    /// When the actor may not, there is none, it was delivered, or its sink is not sent to.
    pub async fn replay_dead_letter(
        &self,
        actor: &Actor,
        name: &SinkName,
        seq: u64,
    ) -> Result<DeadLetter> {
        self.find_sink(actor, name).await?.must_be_active()?;
        let letter = self.queue(actor, &dead_letter_key(name, seq)).await?;
        self.bell.ring(Chime::Outbox).await;
        Ok(letter)
    }

    /// Asks for the dead letters of a sink to be sent once more, oldest first, up to a thousand at a time;
    /// returns how many.
    ///
    /// # Errors
    /// When the actor may not, there is no such sink, or it is not sent to.
    pub async fn replay_dead_letters(&self, actor: &Actor, name: &SinkName) -> Result<u64> {
        self.find_sink(actor, name).await?.must_be_active()?;
        let dead = Query::default()
            .is("sink", name.as_str())
            .is("state", DeadLetterState::Dead.name())
            .limit(MOST_REPLAYED);
        let mut queued = 0;
        for letter in self.stores.dead_letters.list(&dead).await?.items {
            match self.queue(actor, &dead_letter_key(name, letter.seq)).await {
                Ok(_) => queued += 1,
                // Delivered or forgotten meanwhile, which is as good.
                Err(FleetError::Domain(_) | FleetError::Store(StoreError::NotFound(_))) => {}
                Err(err) => return Err(err),
            }
        }
        self.bell.ring(Chime::Outbox).await;
        Ok(queued)
    }

    async fn queue(&self, actor: &Actor, key: &str) -> Result<DeadLetter> {
        let ask = |letter: &mut DeadLetter| Ok(letter.request_replay(actor.author())?);
        Ok(self.update(&self.stores.dead_letters, key, Writer::Intent, ask).await?.0)
    }

    async fn with_sink<R: Send>(
        &self,
        actor: &Actor,
        name: &SinkName,
        intent: impl FnMut(&mut Sink) -> Result<R> + Send,
    ) -> Result<(Sink, R)> {
        must_control(actor)?;
        let outcome =
            self.update(&self.stores.sinks, name.as_str(), Writer::Intent, intent).await?;
        // The leading relay listens to it for its own sake.
        self.bell.ring(Chime::Outbox).await;
        Ok(outcome)
    }
}

fn must_control(actor: &Actor) -> Result<()> {
    Ok(actor.must(Permission::ControlSinks).map_err(DomainError::from)?)
}
