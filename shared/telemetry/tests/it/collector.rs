//! A collector that keeps what it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tonic::{Request, Response, Status};

#[derive(Clone, Default)]
struct Inbox {
    requests: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    news: Arc<Notify>,
    is_stuck: bool,
}

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
        self.requests.lock().unwrap().push(request.into_inner());
        self.news.notify_one();
        if self.is_stuck {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::serve(Inbox::default()).await
    }

    /// Takes what it is sent, and never answers.
    pub(crate) async fn stuck() -> Self {
        Self::serve(Inbox { is_stuck: true, ..Inbox::default() }).await
    }

    async fn serve(inbox: Inbox) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = TraceServiceServer::new(inbox.clone());
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        Self { address, inbox, _serving: serving }
    }

    pub(crate) fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        self.inbox.requests.lock().unwrap().clone()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.requests().into_iter();
        let scopes = requests.flat_map(|it| it.resource_spans).flat_map(|it| it.scope_spans);
        scopes.flat_map(|it| it.spans).collect()
    }

    /// Waits until something was sent.
    pub(crate) async fn heard(&self) {
        self.inbox.news.notified().await;
    }
}
