//! The hub as its users see it.

#![cfg(test)]

mod clients;
mod desk;
mod interleaved;
mod threads;
