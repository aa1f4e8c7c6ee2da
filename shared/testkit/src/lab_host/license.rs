//! Smart licensing of one controller: a registration that goes on by itself once asked for.

use std::time::Duration;

use ccm_domain::Timestamp;
use ccm_domain::cml::{Compliance, Registration};

use super::refusal::Refusal;

/// From the request until the licence server has registered the controller.
pub const REGISTERS_IN: Duration = Duration::from_secs(8);
/// From the request until the authorization is there.
pub const AUTHORIZES_IN: Duration = Duration::from_secs(13);
/// How long a registration lasts.
pub const LASTS: Duration = Duration::from_secs(365 * 24 * 3_600);
/// Products that a controller takes.
const PRODUCTS: &[&str] =
    &["CML_Enterprise", "CML_Education", "CML_Personal", "CML_Personal40", "CML_Free"];
const LONGEST_TOKEN: usize = 256;

/// The licence of one controller.
#[derive(Clone, Debug)]
pub struct License {
    /// Product licence.
    pub product: String,
    /// Expansion nodes asked for.
    pub extra_nodes: u32,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    None,
    Asked { at: Timestamp, token: TokenKind },
}

/// What will become of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenKind {
    Good,
    /// Contains `bad`: the server refuses it.
    Bad,
    /// Contains `short`: registered, but the account has too few licences.
    Short,
}

impl Default for License {
    fn default() -> Self {
        Self { product: "CML_Enterprise".to_owned(), extra_nodes: 0, step: Step::None }
    }
}

impl License {
    /// Returns a licence that was registered at the given moment.
    #[must_use]
    pub fn registered(at: Timestamp) -> Self {
        Self { step: Step::Asked { at, token: TokenKind::Good }, ..Self::default() }
    }

    /// Returns the registration's state at `now`.
    #[must_use]
    pub fn registration(&self, now: Timestamp) -> Registration {
        match self.step {
            Step::None => Registration::NotRegistered,
            Step::Asked { at, .. } if now.since(at) < REGISTERS_IN => Registration::InProgress,
            Step::Asked { token: TokenKind::Bad, .. } => Registration::Failed,
            Step::Asked { token: TokenKind::Good | TokenKind::Short, .. } => {
                Registration::Completed
            }
        }
    }

    /// Returns why the last registration failed.
    #[must_use]
    pub fn reason(&self, now: Timestamp) -> Option<&'static str> {
        (self.registration(now) == Registration::Failed)
            .then_some("The token is not valid or has expired")
    }

    /// Returns the authorization's state at `now`.
    #[must_use]
    pub fn compliance(&self, now: Timestamp) -> Compliance {
        match self.step {
            Step::Asked { at, token } if now.since(at) >= AUTHORIZES_IN => match token {
                TokenKind::Good => Compliance::InCompliance,
                TokenKind::Short => Compliance::OutOfCompliance,
                TokenKind::Bad => Compliance::Init,
            },
            Step::Asked { .. } | Step::None => Compliance::Init,
        }
    }

    /// Returns when the registration was completed, if it was.
    #[must_use]
    pub fn registered_at(&self, now: Timestamp) -> Option<Timestamp> {
        match (self.registration(now), self.step) {
            (Registration::Completed, Step::Asked { at, .. }) => Some(at.plus(REGISTERS_IN)),
            _ => None,
        }
    }

    /// Returns when a registration was last asked for.
    #[must_use]
    pub const fn asked_at(&self) -> Option<Timestamp> {
        match self.step {
            Step::None => None,
            Step::Asked { at, .. } => Some(at),
        }
    }

    /// Sets the product.
    ///
    /// # Errors
    /// 400 for a product that does not exist, 409 while a registration is under way.
    pub fn set_product(&mut self, product: &str, now: Timestamp) -> Result<(), Refusal> {
        if !PRODUCTS.contains(&product) {
            return Err(Refusal::invalid(format!("Invalid product license: {product}")));
        }
        self.must_be_at_rest(now)?;
        product.clone_into(&mut self.product);
        Ok(())
    }

    /// Asks for a registration.
    ///
    /// # Errors
    /// 400 for a token that is no token, 409 while another is under way or when registered already.
    pub fn register(
        &mut self,
        token: &str,
        reregister: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+/%=-_.".contains(&b);
        if token.is_empty() || token.len() > LONGEST_TOKEN || !token.bytes().all(allowed) {
            return Err(Refusal::invalid("Invalid registration token"));
        }
        self.must_be_at_rest(now)?;
        if self.registration(now) == Registration::Completed && !reregister {
            return Err(Refusal::conflict("The agent is already registered"));
        }
        let kind = match () {
            () if token.contains("bad") => TokenKind::Bad,
            () if token.contains("short") => TokenKind::Short,
            () => TokenKind::Good,
        };
        self.step = Step::Asked { at: now, token: kind };
        Ok(())
    }

    /// Deregisters.
    ///
    /// # Errors
    /// 400 when it is not registered, 409 while a registration is under way.
    pub fn deregister(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.must_be_at_rest(now)?;
        match self.registration(now) {
            Registration::Completed => {
                self.step = Step::None;
                Ok(())
            }
            Registration::NotRegistered
            | Registration::Failed
            | Registration::InProgress
            | Registration::Unknown => Err(Refusal::invalid("The agent is not registered")),
        }
    }

    /// Refuses with 409 while a registration is under way.
    ///
    /// # Errors
    /// 409 then.
    pub fn must_be_at_rest(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.registration(now) {
            Registration::InProgress => {
                Err(Refusal::conflict("A registration request is already in progress"))
            }
            Registration::NotRegistered
            | Registration::Completed
            | Registration::Failed
            | Registration::Unknown => Ok(()),
        }
    }
}

/// Returns CML's spelling of a registration state.
#[must_use]
pub const fn registration_word(state: Registration) -> &'static str {
    match state {
        Registration::NotRegistered => "NOT_REGISTERED",
        Registration::InProgress => "IN_PROGRESS",
        Registration::Completed => "COMPLETED",
        Registration::Failed => "FAILED",
        Registration::Unknown => "UNKNOWN",
    }
}

/// Returns CML's spelling of an authorization state.
#[must_use]
pub const fn compliance_word(state: Compliance) -> &'static str {
    match state {
        Compliance::Init => "INIT",
        Compliance::InCompliance => "IN_COMPLIANCE",
        Compliance::OutOfCompliance => "OUT_OF_COMPLIANCE",
        Compliance::Evaluation => "EVAL",
        Compliance::Other => "EXPIRED",
    }
}
