#![cfg(test)]
//! The product as many processes over real servers, and what breaks there.
//!
//! Needs `CCM_TEST_BIN_DIR`, `CCM_TEST_MONGO_URL` and `CCM_TEST_REDIS_URL`; `make system` sets them.

mod asking;
mod checker;
mod cluster;
mod collector;
mod keeper;
mod place;
mod process;
mod proxy;
mod redis;
mod rest;
mod scene;
mod sse;
mod waiting;

mod api_killed;
mod aws_throttled;
mod browser_sleeps;
mod chaos;
mod clock_skew;
mod cml_hangs;
mod events_from_outside;
mod figures;
mod metrics_listed;
mod mongo_away;
mod one_process;
mod one_trace;
mod redis_lost;
mod relay_killed;
mod scheduler_killed;
mod scheduler_partitioned;
mod scheduler_stopped;
mod three_of_each;
mod tools;
