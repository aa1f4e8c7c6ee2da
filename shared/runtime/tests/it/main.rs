//! Tasks, the phases of stopping, and a whole process.

#![cfg(test)]

mod drain;
mod process;
mod ready;
mod tasks;
