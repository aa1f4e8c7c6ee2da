//! The in-process bus against the suite of all buses, and what is its own.

#![cfg(test)]

mod local;
