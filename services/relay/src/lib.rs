#![doc = include_str!("../README.md")]

mod backlog;
pub mod config;
mod cursor;
mod delivery;
mod inbound;
mod instruments;
mod leading;
#[cfg(test)]
mod model;
mod outbox;
mod sinks;
mod start;
mod traced;
#[cfg(feature = "distributed")]
pub mod wiring;

pub use config::{DeliverySection, DeliveryTimes, RelayConfig, RelaySection};
pub use inbound::take_events;
pub use outbox::{Failed, Outlet, Told};
pub use sinks::SinkSection;
pub use start::{Deps, Relay, start};
