#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod admin;
mod args;
pub mod backoff;
pub mod build;
mod drain;
mod life;
mod listen;
mod process;
mod ready;
mod serve;
mod shell;
mod signal;
mod tasks;

pub use args::{ExtraArgs, NoArgs};
pub use backoff::{Backoff, retry};
pub use drain::{Drain, Hold, Part};
pub use life::{EXIT_CONFIG, Service, ServiceConfig, service};
pub use listen::listen;
pub use process::process_name;
pub use ready::{Latch, Readiness, Ready};
pub use serve::{Visit, serve};
pub use shell::Shell;
pub use tasks::Tasks;
pub use tokio_util::sync::CancellationToken;
