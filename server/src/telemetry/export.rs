//! From ended spans to a collector. A request only ever puts its spans into a queue, and drops them when
//! the queue is full: whatever the collector does, nobody waits for it and memory stays bounded.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use opentelemetry::Context;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use prost::Message;
use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::{DROPPED, headers};
use crate::config;

/// Spans that wait, at about a kilobyte each.
const QUEUE: usize = 4096;
/// Spans of one export.
const BATCH: usize = 512;
/// How long a span waits for others to travel with.
const GATHER: Duration = Duration::from_secs(1);
/// Between two lines of the log that say the same.
const SAY_EVERY: Duration = Duration::from_secs(60);
/// How long the last spans may take at a stop.
const LAST: Duration = Duration::from_secs(2);

/// The entrance of the queue.
#[derive(Debug)]
pub struct Queue(mpsc::Sender<SpanData>);

/// The task behind the queue.
#[must_use = "the last spans are lost unless somebody waits for them"]
pub struct Exporting {
    client: watch::Sender<Client>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

struct Exporter {
    queue: mpsc::Receiver<SpanData>,
    client: watch::Receiver<Client>,
    url: String,
    resource: ResourceAttributesWithSchema,
    timeout: Duration,
    /// When a loss was told last, and how many had been lost by then.
    said: Option<(Instant, u64)>,
    /// The last reason that has not been told.
    untold: Option<String>,
}

pub fn start(
    config: &config::Telemetry,
    endpoint: &str,
    resource: &Resource,
) -> Result<(Queue, Exporting), String> {
    let (client, newest_client) = watch::channel(new_client(config)?);
    let (entrance, queue) = mpsc::channel(QUEUE);
    let exporter = Exporter {
        queue,
        client: newest_client,
        url: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
        resource: resource.into(),
        timeout: config.timeout.duration(),
        said: None,
        untold: None,
    };
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(exporter.run(stopped));
    let exporting = Exporting { client, stop, task };
    Ok((Queue(entrance), exporting))
}

fn new_client(config: &config::Telemetry) -> Result<Client, String> {
    let headers = headers(config.otlp_headers.expose())
        .ok_or("telemetry.otlp_headers: expected name=value, separated by commas")?;
    // The headers may hold a credential, which goes to the configured address and to no other.
    Client::builder()
        .user_agent(concat!("bp-auth/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(Policy::none())
        .build()
        .map_err(|error| format!("no client for telemetry.otlp_endpoint: {error}"))
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.0.try_send(span).is_err() {
            DROPPED.inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Exporting {
    /// Makes ready what sends with the headers of `config` from now on; nothing changes until it is called.
    pub fn prepare(&self, config: &config::Telemetry) -> Result<impl FnOnce() + use<'_>, String> {
        let client = new_client(config)?;
        Ok(move || drop(self.client.send_replace(client)))
    }

    /// Sends what is left, until `deadline` and not for longer than two seconds.
    pub async fn finish(self, deadline: Instant) {
        let _ = self.stop.send(());
        let mut task = self.task;
        let deadline = deadline.min(Instant::now() + LAST);
        if timeout_at(deadline, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("the collector of traces did not take the last ones in time");
        }
    }
}

impl Exporter {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            tokio::select! {
                () = self.gather(&mut batch) => {
                    // Nobody is left who could make one.
                    if batch.is_empty() {
                        return;
                    }
                    self.export(batch).await;
                }
                _ = &mut stopped => {
                    self.queue.close();
                    self.export_rest(batch).await;
                    return;
                }
            }
        }
    }

    /// Until the batch is full or its first span has waited long enough.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) {
        self.queue.recv_many(batch, BATCH).await;
        let full = Instant::now() + GATHER;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            match timeout_at(full, self.queue.recv_many(batch, room)).await {
                Ok(more) if more > 0 => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    async fn export_rest(&mut self, mut batch: Vec<SpanData>) {
        while let Ok(span) = self.queue.try_recv() {
            batch.push(span);
            if batch.len() == BATCH {
                self.export(std::mem::take(&mut batch)).await;
            }
        }
        if !batch.is_empty() {
            self.export(batch).await;
        }
    }

    /// Traces help to look at a server and are no record, so what is refused is not tried again.
    async fn export(&mut self, batch: Vec<SpanData>) {
        let spans = batch.len() as u64;
        let sent = timeout(self.timeout, self.send(batch)).await;
        let problem = match sent {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(problem),
            Err(_) => Some("no answer in time".to_owned()),
        };
        if problem.is_some() {
            DROPPED.inc_by(spans);
        }
        self.say(problem);
    }

    async fn send(&self, batch: Vec<SpanData>) -> Result<(), String> {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let request = self.client.borrow().post(&self.url);
        let request = request.header(CONTENT_TYPE, "application/x-protobuf");
        let answer = request.body(body).send().await;
        match answer.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(format!("it answers {}", status.as_u16())),
            Err(error) if error.is_connect() => Err("it cannot be reached".to_owned()),
            Err(_) => Err("the connection broke".to_owned()),
        }
    }

    /// One line for all that was lost since the last.
    fn say(&mut self, problem: Option<String>) {
        self.untold = problem.or(self.untold.take());
        let dropped = DROPPED.get();
        let (due, before) = match self.said {
            Some((last, before)) => (last.elapsed() >= SAY_EVERY, before),
            None => (true, 0),
        };
        if due && dropped > before {
            let problem = self.untold.take();
            let problem = problem.unwrap_or_else(|| "the queue was full".to_owned());
            tracing::warn!(
                spans = dropped - before,
                problem,
                "traces were dropped: telemetry.otlp_endpoint does not take them"
            );
            self.said = Some((Instant::now(), dropped));
        }
    }
}
