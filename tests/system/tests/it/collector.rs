//! A collector of our own: it takes traces by OTLP over gRPC and keeps them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use tokio::task::JoinSet;
use tonic::{Request, Response, Status};

/// A span as a person would look at it.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the first one of a trace.
    pub(crate) parent: String,
    pub(crate) name: String,
    /// Which process.
    pub(crate) service: String,
    pub(crate) instance: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Span>>>);

/// A collector on loopback.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    inbox: Inbox,
    _serving: JoinSet<()>,
}

#[tonic::async_trait]
impl TraceService for Inbox {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut inbox = self.0.lock().unwrap();
        for process in request.into_inner().resource_spans {
            let resource = words(process.resource.unwrap().attributes);
            let spans = process.scope_spans.into_iter().flat_map(|scope| scope.spans);
            inbox.extend(spans.map(|span| Span {
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name,
                service: resource["service.name"].clone(),
                instance: resource["service.instance.id"].clone(),
                attributes: words(span.attributes),
            }));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inbox = Inbox::default();
        let service = TraceServiceServer::new(inbox.clone());
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        Self { address, inbox, _serving: serving }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the spans of a trace that have come so far.
    pub(crate) fn spans_of(&self, trace: &str) -> Vec<Span> {
        let inbox = self.inbox.0.lock().unwrap();
        inbox.iter().filter(|span| span.trace == trace).cloned().collect()
    }
}

fn words(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let word = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|it| (it.key, word(it.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
