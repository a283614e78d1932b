//! A collector of traces: an HTTP server that takes OTLP, or refuses it, or says nothing.

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What is not here by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy)]
pub enum Manner {
    Answers(u16),
    Silent,
}

pub struct Collector {
    pub url: String,
    exports: UnboundedReceiver<Export>,
    /// Everything that has been received.
    pub received: Vec<Export>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
pub struct Export {
    pub path: String,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Collector {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, exports) = unbounded_channel();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                let service = service_fn(move |request| take(sender.clone(), manner, request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self {
            url,
            exports,
            received: Vec::new(),
            task,
        }
    }

    /// Waits for the next export.
    pub async fn next(&mut self) -> Export {
        let export = timeout(PATIENCE, self.exports.recv()).await;
        let export = export.expect("an export in time").expect("a collector");
        self.received.push(export.clone());
        export
    }

    /// Waits until a span of this name has come.
    pub async fn span(&mut self, name: &str) -> Span {
        self.span_which(|span| span.name == name).await
    }

    /// Waits until such a span has come.
    pub async fn span_which(&mut self, is_it: impl Fn(&Span) -> bool) -> Span {
        loop {
            if let Some(span) = self.spans().into_iter().find(&is_it) {
                return span;
            }
            self.next().await;
        }
    }

    /// All spans so far, without waiting for more.
    pub fn spans(&mut self) -> Vec<Span> {
        while let Ok(export) = self.exports.try_recv() {
            self.received.push(export);
        }
        let exports = self.received.iter().map(Export::decoded);
        let resources = exports.flat_map(|export| export.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

impl Export {
    pub fn decoded(&self) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest::decode(self.bytes.clone()).expect("OTLP")
    }
}

/// An attribute as text.
pub fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{key} is {other:?}"),
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(
    sender: UnboundedSender<Export>,
    manner: Manner,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let _ = sender.send(Export {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        bytes,
    });
    match manner {
        Manner::Answers(status) => {
            let mut response = Response::new(Empty::new());
            *response.status_mut() = status.try_into().expect("a status");
            Ok(response)
        }
        Manner::Silent => std::future::pending().await,
    }
}
