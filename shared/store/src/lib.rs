#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod carry;
pub mod embedded;
mod error;
mod fenced;
#[cfg(feature = "mongo")]
pub mod mongo;
mod number;
mod open;
mod place;
mod vault;

pub use embedded::Embedded;
#[cfg(feature = "mongo")]
pub use mongo::Mongo;
pub use open::{OpenOptions, Opened, open};
pub use place::{InvalidPlace, MongoUrl, Place};
pub use vault::{InvalidSecretKey, SecretKey};
