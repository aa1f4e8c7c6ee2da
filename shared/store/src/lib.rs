#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod embedded;
mod place;

pub use embedded::Embedded;
pub use place::{InvalidPlace, Place, open};
