//! Events that a sink never took: kept with all that a replay needs, whatever the log forgets.

use serde::{Deserialize, Serialize};

use crate::{Author, DomainError, SinkName, Timestamp};

/// Where a dead letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterState {
    /// Nobody asked for it since.
    Dead,
    /// Somebody wants it to be sent once more.
    Queued,
    /// It was taken in the end.
    Delivered,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The sink that did not take it.
    pub sink: SinkName,
    /// Its place in the log.
    pub seq: u64,
    /// Grows with every write.
    pub rev: u64,
    /// Id of the event.
    pub event: String,
    /// Type of the event.
    pub kind: String,
    /// The whole event as it is sent.
    pub json: String,
    /// Where it is.
    pub state: DeadLetterState,
    /// How often it was sent, replays too.
    pub attempts: u32,
    /// Why it was not taken.
    pub error: String,
    /// When it was given up.
    pub died_at: Timestamp,
    /// Who asked for it last.
    #[serde(default)]
    pub replayed_by: Option<Author>,
    /// When it was sent last after that.
    #[serde(default)]
    pub replayed_at: Option<Timestamp>,
}

impl DeadLetter {
    /// Asks for it to be sent once more.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] when it was taken in the end.
    pub fn request_replay(&mut self, by: Author) -> Result<(), DomainError> {
        match self.state {
            DeadLetterState::Queued => Ok(()),
            DeadLetterState::Dead => {
                self.state = DeadLetterState::Queued;
                self.replayed_by = Some(by);
                Ok(())
            }
            DeadLetterState::Delivered => {
                let detail = "it was delivered in the end; the receiver has it";
                Err(DomainError::not_possible("dead_letter_delivered", detail))
            }
        }
    }

    /// Notes what became of the replay: one attempt, whose failure leaves it dead.
    pub fn replayed(&mut self, error: Option<String>, now: Timestamp) {
        self.attempts = self.attempts.saturating_add(1);
        self.replayed_at = Some(now);
        match error {
            None => self.state = DeadLetterState::Delivered,
            Some(error) => {
                self.state = DeadLetterState::Dead;
                self.error = error;
            }
        }
    }
}

impl DeadLetterState {
    /// Returns the word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Queued => "queued",
            Self::Delivered => "delivered",
        }
    }
}
