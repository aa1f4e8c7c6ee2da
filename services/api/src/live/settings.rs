//! `[sse]`: how streams are kept.

use ccm_config::{Size, Span};
use serde::Deserialize;

/// `[sse]`: how streams are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SseSection {
    /// Between two signs of life on a quiet stream.
    pub heartbeat: Span,
    /// How long a stream lasts, give or take a fifth.
    pub max_age: Span,
    /// Streams at the same time.
    pub max_clients: usize,
    /// Bytes that wait for one client before it is disconnected.
    pub max_pending_bytes: Size,
}

impl SseSection {
    /// Returns a section for tests: a quick heartbeat, and streams that soon end by themselves.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            heartbeat: Span::from_millis(50),
            max_age: Span::from_millis(200),
            max_clients: 1000,
            max_pending_bytes: Size::from_bytes(1 << 20),
        }
    }
}
