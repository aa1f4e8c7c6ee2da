//! What every request passes, outermost first; the reasons for the order stand in `router.rs`.

pub(crate) mod headers;
pub(crate) mod idempotency;
pub(crate) mod known_query;
pub(crate) mod limits;
pub(crate) mod measure;
pub(crate) mod ours;
pub(crate) mod request_id;
pub(crate) mod trace;
