//! Waiting for a condition; nothing here waits for time to pass.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long a thing that should happen at once may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Waits until `probe` returns a value; prints the last error when it never does. Returns the value.
pub(crate) async fn eventually<T, E: Debug>(
    what: &str,
    probe: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    within(PATIENCE, what, probe).await
}

/// The same with a limit of its own.
pub(crate) async fn within<T, E: Debug>(
    limit: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let began = Instant::now();
    loop {
        match probe().await {
            Ok(value) => return value,
            Err(last) if began.elapsed() > limit => {
                panic!("{what}: not within {limit:?}; last: {last:?}")
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Watches for `span` that a condition holds all the time; panics with what was seen when it did not.
pub(crate) async fn throughout<E: Debug>(
    span: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<(), E>,
) {
    let began = Instant::now();
    while began.elapsed() < span {
        if let Err(seen) = probe().await {
            panic!("{what}: not any more after {:?}: {seen:?}", began.elapsed());
        }
        tokio::time::sleep(LOOK * 4).await;
    }
}
