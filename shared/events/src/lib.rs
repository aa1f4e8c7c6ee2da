#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod envelope;
pub mod foreign;
mod kind;
pub mod payload;
pub mod signature;
mod text;

pub use envelope::{Change, Event, InvalidEvent, SOURCE, Subject};
pub use kind::{Delivery, Kind, UnknownKind};
pub use text::JsonText;
