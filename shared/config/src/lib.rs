#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod error;
mod load;
mod origin;
mod report;
mod secret;
mod secrets;
pub mod section;
mod tree;
mod unit;

pub use error::{ConfigError, Fault};
pub use load::{Loaded, Sources, load};
pub use origin::Origin;
pub use report::{Entry, Report};
pub use secret::{Secret, SecretUrl};
pub use secrets::Secrets;
pub use unit::{InvalidSize, InvalidSpan, Size, Span};
