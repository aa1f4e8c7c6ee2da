//! W3C trace context as text: how a trace goes on through HTTP headers, documents and events.
//!
//! What is under way is known to the task that carries it out, see [`crate::Span::cover`]. `tracestate` is not
//! carried on: nothing here writes to it, and a receiver may leave it out.

use opentelemetry::Context;
use opentelemetry::context::{FutureExt as _, WithContext};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};

/// The header, and the attribute of an event, that names the trace and its last span.
pub const TRACEPARENT: &str = "traceparent";

/// The header in which an answer names the trace of its request.
pub const TRACERESPONSE: &str = "traceresponse";

/// Length of version 00; later versions begin with the same parts.
const LENGTH: usize = 55;

/// Returns the `traceparent` of what is under way in this task; none outside of any.
#[must_use]
pub fn current() -> Option<String> {
    here(write)
}

/// Returns the id of the trace that is under way in this task; none outside of any.
#[must_use]
pub fn current_trace() -> Option<String> {
    here(|context| context.trace_id().to_string())
}

/// Returns the trace that a `traceparent` names.
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<String> {
    read(traceparent).map(|context| context.trace_id().to_string())
}

/// Whether a `traceparent` belongs to a trace that is kept.
#[must_use]
pub fn is_sampled(traceparent: &str) -> bool {
    read(traceparent).is_some_and(|context| context.is_sampled())
}

/// Lets a future go on under what a `traceparent` names, without a span of its own.
pub fn within<F: Future>(traceparent: Option<&str>, future: F) -> WithContext<F> {
    let here = Context::current();
    let context = match traceparent.and_then(read) {
        Some(remote) => here.with_remote_span_context(remote),
        None => here,
    };
    future.with_context(context)
}

fn here<T>(tell: impl FnOnce(&SpanContext) -> T) -> Option<T> {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| tell(span))
    })
}

/// Reads a `traceparent`; none when it is not one, which is to be treated as if it were not there.
pub(crate) fn read(text: &str) -> Option<SpanContext> {
    let is_later = text.as_bytes().get(LENGTH) == Some(&b'-') && !text.starts_with("00");
    let head = text.get(..LENGTH).filter(|head| text.len() == head.len() || is_later)?;
    let mut parts = head.split('-');
    let mut part = |length: usize| {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (part.len() == length && is_hex).then_some(part)
    };
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    (version != "ff" && context.is_valid()).then_some(context)
}

/// Writes a `traceparent`.
pub(crate) fn write(context: &SpanContext) -> String {
    let flags = context.trace_flags() & TraceFlags::SAMPLED;
    format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn given(flags: &str) -> String {
        format!("00-{TRACE}-b7ad6b7169203331-{flags}")
    }

    #[test]
    fn what_is_read_is_written_again_without_flags_that_nobody_knows() {
        for (flags, written) in [("01", "01"), ("00", "00"), ("03", "01"), ("fe", "00")] {
            let context = read(&given(flags)).unwrap();

            assert_eq!(write(&context), given(written));
            assert_eq!(is_sampled(&given(flags)), written == "01");
        }
        assert_eq!(trace_id(&given("00")).as_deref(), Some(TRACE));
    }

    #[test]
    fn a_later_version_may_say_more() {
        let later = given("01").replacen("00", "01", 1);

        assert!(read(&later).is_some() && read(&format!("{later}-more")).is_some());
    }

    #[test]
    fn what_is_no_trace_context_is_not_there() {
        let whole = given("01");
        for text in [
            String::new(),
            "00".to_owned(),
            whole[1..].to_owned(),
            format!("{whole}-more"),
            format!("{whole}0"),
            whole.to_uppercase(),
            whole.replace('-', "_"),
            whole.replacen("00", "ff", 1),
            whole.replace(TRACE, &"0".repeat(32)),
            whole.replace("b7ad6b7169203331", &"0".repeat(16)),
            whole.replace("0af7", "+af7"),
            whole.replace("0af7", "ä7"),
        ] {
            assert!(read(&text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn outside_of_everything_there_is_no_trace() {
        assert_eq!(current(), None);
    }
}
