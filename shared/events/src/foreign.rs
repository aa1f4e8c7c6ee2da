//! CloudEvents 1.0 from outside, as HTTP carries them, without an HTTP library: whoever listens hands over
//! headers and body.
//!
//! Binary, structured and batch mode, and what EventBridge itself sends. Sources: CloudEvents HTTP protocol
//! binding 1.0.2, JSON event format 1.0.2.
//!
//! **Invariant:** nothing of a message is believed before [`Gate::admit`] let it in.

mod attributes;
mod binary;
mod gate;
mod media;
mod notice;
mod structured;
#[cfg(test)]
mod tests;

use std::fmt;

use ccm_domain::FieldFault;
use serde_json::Value;

pub use gate::{Gate, Stranger};
pub use notice::InstanceNotice;

use media::Media;

/// The most bytes of a body.
pub const MOST_BODY: usize = 1 << 20;
/// The most bytes of one event; the specification asks for no less.
pub const MOST_EVENT: usize = 64 << 10;
/// The most events of a batch.
pub const MOST_EVENTS: usize = 100;
/// Faults that are named at once; whoever sent more will find those as well.
const MOST_FAULTS: usize = 20;

/// A request from outside: headers with their names in lower case, and the body.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// Names and values, in the order in which they came.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
}

/// An event from outside, as far as anybody here looks at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    /// `id`, unique within the source.
    pub id: String,
    /// `source`.
    pub source: String,
    /// `type`.
    pub kind: String,
    /// The payload, where it is JSON.
    pub data: Option<Value>,
    /// Where the payload is in the body, as a JSON pointer.
    place: String,
}

/// Why a message is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nobody here knows its media type.
    #[error("{0}")]
    Media(String),
    /// It is larger than what is taken.
    #[error("{0}")]
    TooLarge(String),
    /// Attributes are missing or wrong; nothing of the message is taken.
    #[error("{}", .0.iter().map(|f| format!("{}: {}", f.pointer, f.detail)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldFault>),
}

/// Reads the events of a message.
///
/// # Errors
/// [`Unreadable`]; one event that is wrong refuses all of its message.
pub fn read(message: &Message<'_>) -> Result<Vec<Foreign>, Unreadable> {
    if message.body.len() > MOST_BODY {
        return Err(Unreadable::TooLarge(format!("a body may have at most {MOST_BODY} bytes")));
    }
    let is_binary = message.headers.iter().any(|(name, _)| name.starts_with(binary::PREFIX));
    match Media::of(message)? {
        Media::Batch => structured::read_batch(message.body),
        Media::Single => structured::read_single(message.body).map(|event| vec![event]),
        media @ (Media::Json | Media::Other | Media::None) if is_binary => {
            binary::read(message, media).map(|event| vec![event])
        }
        Media::Json => notice::read_bare(message.body).map(|event| vec![event]),
        Media::Other | Media::None => {
            let detail = "send application/cloudevents+json, application/cloudevents-batch+json, \
                          or any type with ce- headers";
            Err(Unreadable::Media(detail.to_owned()))
        }
    }
}

impl<'a> Message<'a> {
    /// Returns the one value of a header.
    ///
    /// # Errors
    /// When it was sent twice, or is no text.
    fn one(&self, name: &str) -> Result<Option<&'a str>, FieldFault> {
        let fault = |detail| FieldFault::new(format!("header/{name}"), detail);
        let mut values = self.headers.iter().filter(|(known, _)| *known == name);
        let Some((_, value)) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(fault("must be sent once"));
        }
        std::str::from_utf8(value).map(Some).map_err(|_| fault("must be text"))
    }
}

impl From<FieldFault> for Unreadable {
    fn from(fault: FieldFault) -> Self {
        Self::Invalid(vec![fault])
    }
}

impl fmt::Debug for Message<'_> {
    /// Names only: headers hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Message").field("headers", &names).finish_non_exhaustive()
    }
}

/// Checks the size of one event.
fn must_fit(bytes: usize) -> Result<(), Unreadable> {
    if bytes <= MOST_EVENT {
        return Ok(());
    }
    Err(Unreadable::TooLarge(format!("an event may have at most {MOST_EVENT} bytes")))
}
