//! The relay on the embedded store and the in-process bus.

#![cfg(test)]

mod crashes;
mod desk;
mod process;
mod refill;
mod serving;
