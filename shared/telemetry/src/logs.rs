//! Log lines: text or JSON on standard error, with a filter that can be changed at run time.

use std::io::IsTerminal;

use anyhow::Context;
use ccm_config::section::{LogFormat, TelemetrySection};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// Reads and changes what is logged, while the process runs.
#[derive(Clone, Debug)]
pub struct LogFilter(reload::Handle<EnvFilter, Registry>);

impl LogFilter {
    /// Returns a filter that changes nothing, for tests.
    #[must_use]
    pub fn for_testing() -> Self {
        let (layer, handle) = reload::Layer::new(EnvFilter::new("warn"));
        // The handle holds its layer weakly; a test's filter lives as long as the test.
        std::mem::forget(layer);
        Self(handle)
    }

    /// Returns the directives in force.
    ///
    /// # Errors
    ///
    /// When logging has been shut down.
    pub fn get(&self) -> anyhow::Result<String> {
        self.0.with_current(EnvFilter::to_string).context("read the log filter")
    }

    /// Puts other directives in force, such as `info,ccm_store=debug`.
    ///
    /// # Errors
    ///
    /// When the directives cannot be read; the old ones stay in force.
    pub fn set(&self, directives: &str) -> anyhow::Result<()> {
        self.0.reload(parse(directives)?).context("change the log filter")
    }
}

/// Starts logging for the whole process.
pub(crate) fn init(section: &TelemetrySection) -> anyhow::Result<LogFilter> {
    let on_terminal = std::io::stderr().is_terminal();
    let json = match section.log_format {
        LogFormat::Auto => !on_terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let (filter, handle) = reload::Layer::new(parse(&section.log_filter)?);
    Registry::default()
        .with(filter)
        .with(lines(std::io::stderr, json, on_terminal))
        .try_init()
        .context("start logging")?;
    Ok(LogFilter(handle))
}

pub(crate) fn parse(directives: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder()
        // A filter is set over HTTP: no regular expressions from there.
        .with_regex(false)
        .parse(directives)
        .with_context(|| format!("{directives:?} is no log filter"))
}

fn lines<S, W>(writer: W, json: bool, color: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    if json {
        layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        layer.with_ansi(color).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn logged(json: bool, filter: &str, act: impl FnOnce(&LogFilter)) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let (filter, handle) = reload::Layer::new(parse(filter).unwrap());
        let subscriber =
            Registry::default().with(filter).with(lines(move || writer.clone(), json, false));
        tracing::subscriber::with_default(subscriber, || act(&LogFilter(handle)));
        captured.text()
    }

    #[test]
    fn a_json_line_has_its_fields_at_the_top() {
        let text = logged(true, "info", |_| {
            tracing::info!(worker.id = "w1", duration_ms = 12, "worker w1 started");
        });

        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["message"], "worker w1 started");
        assert_eq!(line["worker.id"], "w1");
        assert_eq!(line["duration_ms"], 12);
        assert_eq!(line["level"], "INFO");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }

    #[test]
    fn a_text_line_has_no_colors_when_it_goes_to_no_terminal() {
        let text = logged(false, "info", |_| tracing::info!("hello"));

        assert!(text.contains("hello") && !text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn the_filter_can_be_changed_while_the_process_runs() {
        let text = logged(false, "warn", |filter| {
            tracing::info!("before");
            filter.set("info").unwrap();
            tracing::info!("after");
            assert_eq!(filter.get().unwrap(), "info");
        });

        assert!(!text.contains("before") && text.contains("after"), "{text}");
    }

    #[test]
    fn a_filter_that_cannot_be_read_leaves_the_old_one_in_force() {
        logged(false, "warn", |filter| {
            assert!(filter.set("ccm=loud").is_err());
            assert_eq!(filter.get().unwrap(), "warn");
        });
    }
}
