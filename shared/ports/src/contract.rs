//! The suites that every adapter must pass.

pub mod bus;
pub mod cml;
pub mod collection;
pub mod compute;
pub mod lease;
pub mod outbox;
pub mod samples;
pub mod secrets;
pub mod store;
