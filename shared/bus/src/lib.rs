#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod bells;
pub mod local;
mod place;
#[cfg(feature = "redis")]
pub mod redis;

#[cfg(feature = "redis")]
pub use self::redis::RedisBus;
pub use local::LocalBus;
pub use place::{Bus, InvalidNamespace, InvalidPlace, Namespace, Place, open};
