#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod bus;
mod clock;
mod cml;
mod compute;
#[cfg(feature = "contract")]
pub mod contract;
mod documents;
mod error;
mod lease;
mod measure;
mod outbox;
mod probe;
mod query;
mod samples;
mod secrets;
mod store;
mod stores;

pub use bus::{Bell, BusHealth, Chime, EventFeed, EventPublisher, Heard};
pub use ccm_domain::LaunchOrder;
pub use clock::{Clock, SharedClock, SystemClock};
pub use cml::{CmlApi, Controller};
pub use compute::Compute;
pub use documents::{
    Leader, Login, Process, Receipt, Reply, SETTINGS_KEY, dead_letter_key, lab_key,
};
pub use error::{BusError, RemoteError, StoreError};
pub use lease::{LeaseRecord, LeaseRole, LeaseStore, SEALED};
pub use measure::Measure;
pub use outbox::{EventLog, Logged, Outbox, Pending};
pub use probe::StoreProbe;
pub use query::{Cursor, Filter, InvalidCursor, MOST_ITEMS, Page, Query, sortable};
pub use samples::{Sample, SampleStore};
pub use secrets::SecretStore;
pub use store::{Collection, Document, Shared, Writer};
pub use stores::Stores;
