//! The buses against the suite of all buses, and what is their own.

#![cfg(test)]

mod local;
#[cfg(feature = "redis")]
mod redis;
