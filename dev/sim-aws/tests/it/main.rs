//! The wire face as others see it: plain HTTP, boto3, and the program itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its aids")]

mod boto3;
mod console;
mod program;
mod protocol;
mod site;
