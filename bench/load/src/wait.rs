//! Waiting for a condition.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// Between two looks: the product pays for each.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// Looks until there is something, and returns it.
pub(crate) async fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if begun.elapsed() > patience {
            bail!("{what} did not come within {} s", patience.as_secs());
        }
        sleep(PAUSE).await;
    }
}
