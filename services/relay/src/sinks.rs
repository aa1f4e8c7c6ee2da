//! Where events are sent outside: what the configuration says of a sink, read once.

mod address;
mod http;
mod section;

use std::fmt;

use ccm_domain::SinkName;
use ccm_events::signature::SigningKey;
use ccm_events::{Delivery, Kind};
use reqwest::header::HeaderMap;
use url::Url;

pub(crate) use self::http::{Poster, Refusal};
pub use self::section::SinkSection;

/// A sink whose configuration was read.
#[derive(Clone)]
pub(crate) struct SinkSpec {
    pub(crate) name: SinkName,
    url: Url,
    pub(crate) types: Vec<String>,
    keys: Vec<SigningKey>,
    headers: HeaderMap,
    allow_private: bool,
    /// PEM of the authorities to trust instead of the system's.
    authorities: Option<Vec<u8>>,
}

impl SinkSpec {
    /// Whether events of this type are sent to it.
    pub(crate) fn wants(&self, kind: Kind) -> bool {
        self.types.is_empty() || self.types.iter().any(|pattern| kind.fits(pattern))
    }

    /// Returns scheme, host and port: what of the address may be shown.
    pub(crate) fn target(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

impl fmt::Debug for SinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkSpec")
            .field("name", &self.name)
            .field("target", &self.target())
            .finish_non_exhaustive()
    }
}

/// Whether any event in the log can ever fit.
fn names_a_durable_type(pattern: &str) -> bool {
    Kind::ALL.iter().any(|kind| kind.delivery() == Delivery::Durable && kind.fits(pattern))
}
