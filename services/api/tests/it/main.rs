//! The API on the embedded store in memory, with a clock that the tests move.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its aids")]

mod app;
mod bad_input;
mod browser;
mod documents;
mod examples;
mod faults;
mod idempotency;
mod inbound;
mod labs;
mod licenses;
mod lists;
mod login_server;
mod logins;
mod logouts;
mod operations;
mod port;
mod problems;
mod races;
mod reader;
mod real_login;
mod roles;
mod schedules;
mod settings;
mod streams;
mod streams_end;
mod streams_race;
mod system;
mod tokens;
mod traces;
mod workers;
mod world;
