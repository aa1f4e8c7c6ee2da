//! Panics become log lines, so that they reach whoever reads the logs.

use std::panic::PanicHookInfo;

/// Replaces the panic hook by one that logs at `ERROR`.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let error = message(panic);
        tracing::error!(error, panic.place = place, "panicked at {place}");
    }));
}

fn message<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = panic.payload();
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a message")
}
