#![doc = include_str!("../README.md")]

mod attempt;
pub mod config;
mod engine;
mod instruments;
mod jobs;
mod leading;
mod measured;
mod recovery;
mod runner;
mod schedules;
mod start;
mod ticker;
mod traced;
mod transitions;
pub mod wiring;

pub use engine::{Engine, Parts};
pub use instruments::Instruments;
pub use runner::Stop;
pub use start::{Deps, Scheduler, SchedulerConfig, start};
