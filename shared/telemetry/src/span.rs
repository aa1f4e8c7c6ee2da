//! Spans: what was done, from when to when, within which trace.

use std::borrow::Cow;

use opentelemetry::context::{FutureExt as _, WithContext};
use opentelemetry::trace::{
    Link, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

use crate::propagate;

/// Makes the spans of one crate. Cheap to clone.
///
/// Where nothing is exported, spans are ids that are carried on, and nothing more.
#[derive(Clone, Debug)]
pub struct Tracer {
    tracer: SdkTracer,
    is_on: bool,
}

/// A span that is about to begin.
#[derive(Debug)]
#[must_use = "it has not begun"]
pub struct Draft<'a> {
    tracer: &'a Tracer,
    builder: SpanBuilder,
    parent: Option<Context>,
}

/// A span under way; it ends when it is dropped.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct Span(Context);

impl Tracer {
    pub(crate) const fn new(tracer: SdkTracer, is_on: bool) -> Self {
        Self { tracer, is_on }
    }

    /// Whether spans are exported: where they are not, spans that nobody is told of need not be made.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Drafts a span below what is under way in this task.
    pub fn span(&self, name: impl Into<Cow<'static, str>>) -> Draft<'_> {
        Draft { tracer: self, builder: SpanBuilder::from_name(name), parent: None }
    }
}

impl Draft<'_> {
    /// Says which side of a conversation it is; inside of a process unless said.
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.builder.span_kind = Some(kind);
        self
    }

    /// Puts it below what a `traceparent` names, if that can be read.
    pub fn under(mut self, traceparent: Option<&str>) -> Self {
        if let Some(parent) = traceparent.and_then(propagate::read) {
            self.parent = Some(Context::new().with_remote_span_context(parent));
        }
        self
    }

    /// Says that something of another trace led to it too.
    pub fn linked(mut self, traceparent: Option<&str>) -> Self {
        if self.tracer.is_on
            && let Some(other) = traceparent.and_then(propagate::read)
        {
            self.builder.links.get_or_insert_default().push(Link::with_context(other));
        }
        self
    }

    /// Says something about it.
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        if self.tracer.is_on {
            self.builder.attributes.get_or_insert_default().push(KeyValue::new(key, value));
        }
        self
    }

    /// Begins.
    pub fn start(self) -> Span {
        let here = self.parent.unwrap_or_else(Context::current);
        let span = self.tracer.tracer.build_with_context(self.builder, &here);
        Span(here.with_span(span))
    }
}

impl Span {
    /// Returns the `traceparent` of what it causes.
    #[must_use]
    pub fn traceparent(&self) -> String {
        propagate::write(self.0.span().span_context())
    }

    /// Returns the trace that it is of.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.0.span().span_context().trace_id().to_string()
    }

    /// Says something more about it.
    pub fn set(&self, key: &'static str, value: impl Into<Value>) {
        let span = self.0.span();
        if span.is_recording() {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Says that it failed, and with which word.
    pub fn fail(&self, word: &'static str) {
        let span = self.0.span();
        if span.is_recording() {
            span.set_attribute(KeyValue::new("error.type", word));
            span.set_status(Status::error(word));
        }
    }

    /// Lets a future be what the span is about: what begins within it is below the span.
    pub fn cover<F: Future>(&self, future: F) -> WithContext<F> {
        future.with_context(self.0.clone())
    }
}

/// Lets a future be what a span is about, where there is one.
pub fn covered<F: Future>(span: Option<&Span>, future: F) -> WithContext<F> {
    match span {
        Some(span) => span.cover(future),
        None => future.with_current_context(),
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        // Not left to the last clone of the context: a future may be kept long after its end.
        self.0.span().end();
    }
}
