#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod ephemerals;
mod filter;
pub mod frame;
mod hub;
mod ring;
mod shard;
mod subscription;
mod view;

pub use filter::{Filter, InvalidFilter, KindSet, Visible};
pub use hub::{Hole, Hub, Limits, Published, Refused, Subscribe};
pub use subscription::{Ended, Subscription, Told};
pub use view::{About, ClientId, Stats, StreamView};
