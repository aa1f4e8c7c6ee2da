//! The wire face as a client meets it: statuses, bodies, texts.
#![expect(clippy::unwrap_used, reason = "a test: to fail is to panic")]

mod behind;
mod boot;
mod client;
mod labs;
mod login;
