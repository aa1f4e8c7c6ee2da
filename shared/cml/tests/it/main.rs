//! The client against controllers on the wire.
#![expect(clippy::unwrap_used, reason = "a test: to fail is to panic")]

mod recorded;
mod rig;
mod session;
mod suite;
mod tls;
mod trouble;
