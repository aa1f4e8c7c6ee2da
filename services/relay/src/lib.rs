#![doc = include_str!("../README.md")]

pub mod config;
mod leading;
mod outbox;
mod start;

pub use config::{RelayConfig, RelaySection};
pub use outbox::{Failed, Outlet, Told};
pub use start::{Deps, Relay, start};
