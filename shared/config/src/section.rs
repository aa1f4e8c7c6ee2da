//! Sections that several services share: plain data, checked by type, read by value.
//!
//! A service's own configuration is a struct of these plus its own sections. None of them has a
//! default in code: the defaults stand in the service's `defaults.toml`, where people read them.

mod auth;
mod drain;
mod inbound;
mod listen;
mod storage;
mod telemetry;

pub use auth::{AuthMode, AuthSection, OidcSection};
pub use drain::DrainSection;
pub use inbound::{InboundOnlySection, InboundSection};
pub use listen::{AdminSection, HttpSection};
pub use storage::{BusSection, EventsSection, StoreSection};
pub use telemetry::{LogFormat, TelemetrySection};
