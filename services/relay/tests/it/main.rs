//! The relay on the embedded store and the in-process bus.

#![cfg(test)]

mod answers;
mod backlog;
mod configuration;
mod crashes;
mod dead_letters;
mod deliveries;
mod desk;
mod inbound;
mod outside;
mod process;
mod receiver;
mod refill;
mod restarts;
mod serving;
