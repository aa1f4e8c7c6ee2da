//! The MongoDB adapter on a real server, each test in a database of its own.

mod away;
mod backlog;
mod fresh;
mod sharing;
mod stored;

use self::fresh::Fresh;

mod contract {
    use super::Fresh;

    ccm_ports::store_contract!(Fresh::new().await);
}
