//! Use cases on the embedded store, the in-process bus and the modelled world, clock moved by the test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, and so do its aids"
)]

mod drift;
mod fragile;
mod idle;
mod import;
mod inbound;
mod labs;
mod license;
mod power;
mod presence;
mod prune;
mod races;
mod traces;
mod world;
