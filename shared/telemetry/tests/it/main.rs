#![cfg(test)]
//! Spans on their way to a real collector: OTLP over gRPC on loopback.

mod collector;
mod traces;
