#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod commands;
mod commit;
mod error;
mod expected;
mod fleet;
mod inbound;
mod labs;
mod leaders;
pub mod leadership;
mod licenses;
mod operations;
mod ops;
mod presence;
mod replies;
mod runs;
mod schedules;
mod settings;
mod sinks;
mod workers;

pub use commit::Aggregate;
pub use error::{FleetError, Result};
pub use expected::Expected;
pub use fleet::Fleet;
pub use inbound::{Consent, Declined, Inbound, InboundOptions, Outcome};
pub use labs::{LabAsked, LabFile, LabFilter};
pub use operations::{LongAction, OperationFilter, Progress};
pub use ops::{EndpointTemplate, FleetOps, Reconciled, Remotes, Report, Sight};
pub use presence::{Presence, Present, Tally};
pub use replies::Reservation;
pub use runs::RunFilter;
pub use workers::{Asked, WorkerFilter, WorkerOrder, WorkerPatch, WorkerRef};
