//! The adapter over the wire: the contract suite and AWS's oddities on `ccm-sim-aws`, EC2 on moto.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its aids")]

mod contract;
mod environment;
mod moto;
mod site;
mod wire;
