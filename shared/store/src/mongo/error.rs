//! The only place where the driver's errors get a meaning.

use std::time::Duration;

use anyhow::{Error, anyhow};
use ccm_ports::StoreError;
use mongodb::error::{ErrorKind, WriteConcernError, WriteFailure};

/// Why a call did not do what was asked.
#[derive(Debug)]
pub(super) enum Fault {
    /// Another document has the key or one of the unique keys; nothing was written.
    Duplicate,
    /// All else.
    Failed(StoreError),
}

impl From<StoreError> for Fault {
    fn from(err: StoreError) -> Self {
        Self::Failed(err)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Duplicate => Self::Corrupt(anyhow!("a key is taken where none can be")),
            Fault::Failed(err) => err,
        }
    }
}

/// A key exists already: in a collection's `_id`, or in a unique index.
const DUPLICATE_KEY: i32 = 11_000;

/// Something is wrong with the request or with what is stored, so that repeating it does not help.
const SENSELESS: &[i32] = &[
    2,   // BadValue
    9,   // FailedToParse
    14,  // TypeMismatch
    15,  // Overflow
    16,  // InvalidLength
    22,  // InvalidBSON
    28,  // PathNotViable
    40,  // ConflictingUpdateOperators
    52,  // DollarPrefixedFieldName
    53,  // InvalidIdField
    54,  // NotSingleValueField
    56,  // EmptyFieldName
    57,  // DottedFieldName
    59,  // CommandNotFound
    66,  // ImmutableField
    67,  // CannotCreateIndex
    72,  // InvalidOptions
    73,  // InvalidNamespace
    85,  // IndexOptionsConflict
    86,  // IndexKeySpecsConflict
    121, // DocumentValidationFailure
    238, // NotImplemented
];

/// Gives a driver's error its meaning; `op` says what was attempted.
///
/// What time, space, permissions or another server can mend is `Unavailable`, and so is whatever nobody has
/// thought of: who repeats it in vain says so, who does not loses work.
pub(super) fn classify(op: &'static str, err: &mongodb::error::Error) -> Fault {
    let refused = Refused::of(&err.kind);
    let makes_sense = match &refused {
        Some(refused) if refused.code == DUPLICATE_KEY => return Fault::Duplicate,
        Some(refused) => !SENSELESS.contains(&refused.code),
        None => !matches!(
            &*err.kind,
            ErrorKind::InvalidArgument { .. }
                | ErrorKind::Bson(_)
                | ErrorKind::BsonDeserialization(_)
                | ErrorKind::BsonSerialization(_)
                | ErrorKind::InvalidTlsConfig { .. }
                | ErrorKind::IncompatibleServer { .. }
        ),
    };
    let text = refused.map_or_else(|| err.kind.to_string(), |refused| refused.to_string());
    let reason = Error::msg(text).context(op);
    let meaning = if makes_sense { StoreError::Unavailable } else { StoreError::Corrupt };
    Fault::Failed(meaning(reason))
}

/// There was no answer in time. What was asked may have happened.
pub(super) fn late(op: &'static str, timeout: Duration) -> Fault {
    Fault::Failed(StoreError::Unavailable(anyhow!("no answer within {timeout:?}").context(op)))
}

/// The call came to no end: the process stops, or the driver has a defect.
pub(super) fn ended(op: &'static str, err: tokio::task::JoinError) -> Fault {
    Fault::Failed(StoreError::Unavailable(Error::new(err).context(op)))
}

/// The address cannot be used. What the driver says of it may quote it, so a password keeps that back.
pub(super) fn bad_address(err: &mongodb::error::Error, has_password: bool) -> StoreError {
    if !has_password || matches!(&*err.kind, ErrorKind::DnsResolve { .. }) {
        return classify("read store.url", err).into();
    }
    StoreError::Corrupt(anyhow!("store.url is no address that the driver takes"))
}

/// Secrets cannot be kept or read.
pub(super) fn no_secret_key() -> StoreError {
    let reason = anyhow!(
        "store.secret_key is not set; processes that share a store must have the same one \
         (base64 of 32 bytes, such as `openssl rand -base64 32` prints)"
    );
    StoreError::Corrupt(reason)
}

/// What the server answered, without the part that repeats what was to be written.
struct Refused<'a> {
    code: i32,
    name: &'a str,
    message: &'a str,
}

impl<'a> Refused<'a> {
    fn of(kind: &'a ErrorKind) -> Option<Self> {
        if let ErrorKind::Command(err) = kind {
            return Some(Self { code: err.code, name: &err.code_name, message: &err.message });
        }
        if let ErrorKind::Write(WriteFailure::WriteError(err)) = kind {
            let name = err.code_name.as_deref().unwrap_or_default();
            return Some(Self { code: err.code, name, message: &err.message });
        }
        if let ErrorKind::Write(WriteFailure::WriteConcernError(err)) = kind {
            return Some(Self::of_concern(err));
        }
        if let ErrorKind::InsertMany(err) = kind {
            let first = err.write_errors.iter().flatten().next();
            let name = first.and_then(|err| err.code_name.as_deref()).unwrap_or_default();
            return first
                .map(|err| Self { code: err.code, name, message: &err.message })
                .or_else(|| err.write_concern_error.as_ref().map(Self::of_concern));
        }
        None
    }

    /// It was written, but not by a majority in time: nobody knows whether it stays.
    fn of_concern(err: &'a WriteConcernError) -> Self {
        Self { code: err.code, name: &err.code_name, message: &err.message }
    }
}

impl std::fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, name, message } = self;
        match *name {
            "" => write!(f, "error {code}: {message}"),
            name => write!(f, "error {code} ({name}): {message}"),
        }
    }
}
