//! Models of the world (EC2, CloudWatch, CML controllers, people) in simulated time, and aids for tests.
//!
//! For tests, simulators and the simulated standalone; never for a service.
#![warn(missing_docs)]

pub mod clock;
pub mod cloud;
pub mod fleet;
pub mod lab_host;
pub mod people;
