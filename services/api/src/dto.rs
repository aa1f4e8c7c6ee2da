//! What goes over the wire, apart from the domain.
//!
//! Requests are types of their own and refuse unknown fields. Answers are the views of the domain; the types
//! here describe them for the OpenAPI document and for typed clients, and a test compares each with its view.

pub mod answer;
pub mod lab;
pub mod license;
pub mod moment;
pub mod operation;
pub mod page;
pub mod schedule;
pub mod session;
pub mod settings;
pub mod stream;
pub mod system;
pub mod worker;
pub mod worker_parts;
pub mod worker_requests;
