//! The models against the suites of the ports they implement, and what only models have.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its aids")]

mod cloud;
mod fleet;
mod lab_host;
