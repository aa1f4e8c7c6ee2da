//! Stored answers, so that a repeated request is answered and not done again.
//!
//! A key is reserved before its request is carried out. The reservation holds the id that an operation begun
//! by the request has, so even a request whose process died in the middle is repeated without doing it twice.

use std::time::Duration;

use ccm_ports::{Reply, StoreError, Writer};

use crate::{Fleet, FleetError, Result};

/// How long an answer is given out again.
const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// A request under way for longer than this has died: the API ends requests much earlier.
const ABANDONED: Duration = Duration::from_secs(60);

const MOST_ROUNDS: usize = 5;

/// Whether a request is to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It is; end with [`Fleet::keep_reply`], [`Fleet::release_reply`] or [`Fleet::forget_reply`].
    Begin(Reply),
    /// It was; this is the answer.
    Answered(Reply),
    /// It is under way.
    UnderWay,
    /// The key was used for another request.
    Reused,
}

impl Fleet {
    /// Reserves a key for a request with this fingerprint.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reserve_reply(&self, key: &str, fingerprint: &str) -> Result<Reservation> {
        let replies = &self.stores.replies;
        for _ in 0..MOST_ROUNDS {
            let now = self.clock.now();
            let fresh = Reply {
                key: key.to_owned(),
                rev: 1,
                fingerprint: fingerprint.to_owned(),
                ticket: self.new_operation_id(),
                status: None,
                headers: Vec::new(),
                body: String::new(),
                at: now,
            };
            let Some(found) = replies.find(key).await? else {
                match replies.insert(&fresh, &[], Writer::Intent).await {
                    Ok(()) => return Ok(Reservation::Begin(fresh)),
                    Err(StoreError::Taken(_)) => continue,
                    Err(err) => return Err(err.into()),
                }
            };
            let age = now.since(found.at);
            let next = if age >= KEPT {
                Reply { rev: found.rev + 1, ..fresh }
            } else if found.fingerprint != fingerprint {
                return Ok(Reservation::Reused);
            } else if found.status.is_some() {
                return Ok(Reservation::Answered(found));
            } else if age < ABANDONED {
                return Ok(Reservation::UnderWay);
            } else {
                Reply { rev: found.rev + 1, at: now, ..found }
            };
            match replies.put(&next, &[], Writer::Intent).await {
                Ok(()) => return Ok(Reservation::Begin(next)),
                Err(StoreError::Conflict | StoreError::NotFound(_)) => {}
                Err(err) => return Err(err.into()),
            }
        }
        Err(FleetError::Contended("stored answer"))
    }

    /// Keeps the answer of a request that was carried out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_reply(&self, mut reply: Reply) -> Result<()> {
        reply.rev += 1;
        settle(self.stores.replies.put(&reply, &[], Writer::Intent).await)
    }

    /// Lets a request whose outcome is not known be repeated at once, under the same id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release_reply(&self, mut reply: Reply) -> Result<()> {
        reply.at = reply.at.minus(ABANDONED);
        self.keep_reply(reply).await
    }

    /// Forgets a request that was refused: it changed nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_reply(&self, reply: &Reply) -> Result<()> {
        settle(self.stores.replies.remove(&reply.key, reply.rev, Writer::Intent).await)
    }
}

/// Another repetition may have taken the reservation over meanwhile; then it is not ours to end.
fn settle(outcome: Result<(), StoreError>) -> Result<()> {
    match outcome {
        Ok(()) | Err(StoreError::Conflict | StoreError::NotFound(_)) => Ok(()),
        Err(err) => Err(err.into()),
    }
}
