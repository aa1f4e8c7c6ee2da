#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod answer;
mod app;
mod auth;
mod definitions;
mod elements;
pub mod faults;
mod lab_views;
mod labs;
mod licensing;
mod people;
mod server;
mod sim;
mod site;
mod system;
pub mod tls;
mod token;

pub use app::Options;
pub use server::serve;
pub use sim::Switches;
