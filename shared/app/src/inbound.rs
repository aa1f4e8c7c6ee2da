//! Events from outside: who may send them and how many, and what they lead to.
//!
//! What EC2 says of an instance is a hint: it leads to a look at that instance, at once and by a command, so that
//! it survives whoever took it. All else is known, counted and left alone.
//!
//! **Invariant:** a receipt is kept only after what the event leads to is committed. So an event whose sender got
//! no answer may be sent again, and is dealt with once: a second look that folds into the first costs nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ccm_domain::{Actor, ActorKind, CommandKind, FieldFault, Timestamp, WorkerState};
use ccm_events::foreign::{self, Foreign, Gate, InstanceNotice, Message, Stranger, Unreadable};
use ccm_events::signature::{InvalidKey, fingerprint};
use ccm_ports::{Receipt, StoreError, Writer};
use tokio::time::Instant;

use crate::{Fleet, FleetError, Result, WorkerRef};

/// Over so long events may come at once that are taken in that time.
const MINUTE: Duration = Duration::from_secs(60);

/// The author of looks that a notice leads to.
const EC2: &str = "EC2";

/// How events from outside are taken.
#[derive(Clone, Debug)]
pub struct InboundOptions {
    /// Who may send them.
    pub gate: Gate,
    /// Events that are taken in a minute.
    pub rate: u32,
    /// Senders that are given consent when they ask for it first; `*` for all.
    pub origins: Vec<String>,
}

/// Takes events from outside. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Inbound(Arc<Inner>);

struct Inner {
    fleet: Fleet,
    options: InboundOptions,
    /// The moment up to which the rate is used up.
    used_until: Mutex<Option<Instant>>,
}

/// What an event led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A look at the instance that it is about.
    Look,
    /// Nothing: no worker has that instance, or it is gone for good.
    NoWorker,
    /// Nothing: nobody here acts on such events.
    Ignored,
    /// Nothing: it came before.
    Known,
}

/// Why nothing of a message was taken.
#[derive(Debug, thiserror::Error)]
pub enum Declined {
    /// No secret is configured.
    #[error(
        "events from outside are off; relay.inbound.secret or relay.inbound.bearer turns them on"
    )]
    Closed,
    /// Nobody knows who sent it.
    #[error(transparent)]
    Stranger(#[from] Stranger),
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Too many events in too little time.
    #[error("no more than {rate} events a minute are taken")]
    TooMany {
        /// The limit.
        rate: u32,
        /// When there is room again.
        wait: Duration,
    },
    /// The store failed; what was taken before that is known when it comes again.
    #[error(transparent)]
    Failed(#[from] FleetError),
}

/// Consent to be sent events (CloudEvents webhook specification, 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who may send.
    pub origin: String,
    /// How many requests in a minute.
    pub rate: u32,
}

impl InboundOptions {
    /// Reads them as they are configured: secrets of Standard Webhooks, and bearer tokens.
    ///
    /// # Errors
    /// When a secret is none of Standard Webhooks; it is not repeated.
    pub fn read<'a>(
        secrets: impl IntoIterator<Item = &'a str>,
        bearers: impl IntoIterator<Item = &'a str>,
        rate: u32,
        origins: Vec<String>,
    ) -> Result<Self, InvalidKey> {
        Ok(Self { gate: Gate::read(secrets, bearers)?, rate, origins })
    }
}

impl Declined {
    /// Returns the stable word for it, in problems and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed => "inbound_off",
            Self::Stranger(_) => "unauthenticated",
            Self::Unreadable(Unreadable::Media(_)) => "unsupported_media_type",
            Self::Unreadable(Unreadable::TooLarge(_)) => "body_too_large",
            Self::Unreadable(Unreadable::Invalid(_)) => "invalid_event",
            Self::TooMany { .. } => "too_many_events",
            Self::Failed(FleetError::Store(StoreError::Unavailable(_))) => "store_unavailable",
            Self::Failed(FleetError::Contended(_)) => "contended",
            Self::Failed(_) => "internal",
        }
    }
}

impl Inbound {
    /// Makes the way in; it is closed when the gate has no secret.
    #[must_use]
    pub fn new(fleet: Fleet, options: InboundOptions) -> Self {
        Self(Arc::new(Inner { fleet, options, used_until: Mutex::default() }))
    }

    /// Whether nobody may send.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.options.gate.is_closed()
    }

    /// Takes the events of a message, all of them or none; returns what each led to, in their order.
    ///
    /// `now` is the real time, against which signatures are held.
    ///
    /// # Errors
    /// [`Declined`]; after [`Declined::Failed`] the sender is to send it again.
    pub async fn receive(
        &self,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, Declined> {
        if self.is_closed() {
            return Err(Declined::Closed);
        }
        self.0.options.gate.admit(message, now)?;
        let events = foreign::read(message)?;
        let notices: Result<Vec<_>, FieldFault> =
            events.iter().map(Foreign::instance_notice).collect();
        let notices = notices.map_err(Unreadable::from)?;
        self.0.must_have_room(events.len())?;
        let mut outcomes = Vec::with_capacity(events.len());
        for (event, notice) in events.iter().zip(notices) {
            outcomes.push(self.0.take(event, notice.as_ref()).await?);
        }
        Ok(outcomes)
    }

    /// Returns the consent for a sender that asks before it sends.
    #[must_use]
    pub fn consent(&self, origin: Option<&str>) -> Option<Consent> {
        let origin = origin?;
        let options = &self.0.options;
        let fits = |known: &String| known == "*" || known.eq_ignore_ascii_case(origin);
        let given = !self.is_closed() && options.origins.iter().any(fits);
        given.then(|| Consent { origin: origin.to_owned(), rate: options.rate })
    }
}

impl Inner {
    /// Uses up a part of the rate. A batch that is larger than the rate is taken when all is unused.
    fn must_have_room(&self, events: usize) -> Result<(), Declined> {
        let rate = self.options.rate.max(1);
        let each = MINUTE / rate;
        let now = Instant::now();
        let mut used_until = self.used_until.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = used_until.map_or(now, |until| until.max(now));
        let end = begin + each * u32::try_from(events).unwrap_or(u32::MAX);
        let wait = end.saturating_duration_since(now + MINUTE).min(begin - now);
        if !wait.is_zero() {
            return Err(Declined::TooMany { rate, wait });
        }
        *used_until = Some(end);
        Ok(())
    }

    async fn take(&self, event: &Foreign, notice: Option<&InstanceNotice>) -> Result<Outcome> {
        let receipts = &self.fleet.stores.receipts;
        let key = fingerprint(&[&event.source, &event.id]);
        if receipts.find(&key).await?.is_some() {
            return Ok(Outcome::Known);
        }
        let outcome = match notice {
            Some(notice) => self.look(notice).await?,
            None => Outcome::Ignored,
        };
        let receipt = Receipt {
            key,
            rev: 1,
            source: event.source.clone(),
            id: event.id.clone(),
            kind: event.kind.clone(),
            outcome: outcome.name().to_owned(),
            at: self.fleet.now(),
        };
        match receipts.insert(&receipt, &[], Writer::Intent).await {
            // Another process took the same event meanwhile, to the same end.
            Ok(()) | Err(StoreError::Taken(_)) => Ok(outcome),
            Err(err) => Err(err.into()),
        }
    }

    async fn look(&self, notice: &InstanceNotice) -> Result<Outcome> {
        let which = WorkerRef::Instance(notice.instance.clone());
        let worker = match self.fleet.known(&which).await {
            Ok(worker) if worker.state() == WorkerState::Terminated => {
                return Ok(Outcome::NoWorker);
            }
            Ok(worker) => worker,
            Err(FleetError::Store(StoreError::NotFound(_))) => return Ok(Outcome::NoWorker),
            Err(err) => return Err(err),
        };
        let kind = CommandKind::LookAtWorker { worker: worker.id, told: notice.state };
        // It needs no permission: nobody decides anything by it.
        let actor = Actor::new(ActorKind::External, EC2, []);
        self.fleet.request_command(&actor, kind, self.fleet.new_operation_id()).await?;
        Ok(Outcome::Look)
    }
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 4] = [Self::Look, Self::NoWorker, Self::Ignored, Self::Known];

    /// Returns the word for it, in receipts and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::NoWorker => "no_worker",
            Self::Ignored => "ignored",
            Self::Known => "known",
        }
    }
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound").field("options", &self.0.options).finish_non_exhaustive()
    }
}
