//! What a person who has just started the process wants to know.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;

use crate::StandaloneConfig;

/// Prints what to open and what to try; nothing when nobody reads along.
pub(crate) fn print(config: &StandaloneConfig, address: SocketAddr) {
    let mut out = std::io::stdout();
    if !out.is_terminal() && !config.simulate.is_on() {
        return;
    }
    let base = format!("http://{address}");
    let fleet = if config.simulate.is_on() {
        format!("{} simulated workers", config.simulate.workers)
    } else {
        "the workers of your account".to_owned()
    };
    // Nothing can be done about a closed terminal.
    let _ = writeln!(
        out,
        "
  CML Cloud Manager runs with {fleet}.

  Open    {base}
  API     {base}/api/docs

  Try     curl -N {base}/api/v1/events
          curl -s '{base}/api/v1/workers?limit=3'
          curl -s -X POST {base}/api/v1/workers/ID/stop
  Health  http://{}/readyz

  Ctrl-C stops it; what was acknowledged is kept.
",
        config.admin.listen
    );
}
