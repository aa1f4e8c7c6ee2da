//! The scheduler on the embedded store, the in-process bus and the modelled world.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, and so do its aids"
)]

mod commands;
mod configuration;
mod failures;
mod first_steps;
mod handover;
mod idle_day;
mod observing;
mod pruning;
mod slots;
mod traces;
mod unruly;
mod world;
