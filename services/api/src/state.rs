//! What handlers share; cheap to clone.

use std::sync::Arc;

use axum::extract::FromRef;
use ccm_app::Fleet;
use ccm_inbound::WayIn;
use ccm_runtime::Ready;

use crate::auth::Auth;
use crate::live::Live;

/// What handlers share.
#[derive(Clone, Debug)]
pub(crate) struct AppState {
    /// The use cases.
    pub(crate) fleet: Fleet,
    /// Event streams.
    pub(crate) live: Live,
    /// Events from outside.
    pub(crate) inbound: WayIn,
    /// How callers are known.
    pub(crate) auth: Auth,
    /// What `/readyz` says of this process.
    pub(crate) ready: Ready,
    /// Name of this process, for people.
    pub(crate) process: Arc<str>,
}

impl FromRef<AppState> for Fleet {
    fn from_ref(state: &AppState) -> Self {
        state.fleet.clone()
    }
}

impl FromRef<AppState> for WayIn {
    fn from_ref(state: &AppState) -> Self {
        state.inbound.clone()
    }
}

impl FromRef<AppState> for Live {
    fn from_ref(state: &AppState) -> Self {
        state.live.clone()
    }
}
