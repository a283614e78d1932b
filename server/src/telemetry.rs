//! Traces for an OpenTelemetry collector, if one is configured; without one nothing of this runs.
//!
//! Only spans whose target is [`TARGET`] are exported, with the attributes that are written where they
//! are made, and no events: what a library notes of its own work may hold what nobody should read.

mod export;
mod sample;

use std::sync::LazyLock;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, propagation::Extractor};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanLimits};
use prometheus_client::metrics::counter::Counter;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

use crate::config;
pub use export::Exporting;

/// Of spans that are exported. No module has this name, so that nothing gets it by accident.
pub const TARGET: &str = "bp_auth::trace";

/// Spans that were made and that no collector took. There is one for the process, as there is one
/// subscriber for the process.
pub static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// What records spans, and what sends them away until it is told to stop.
pub fn start(config: &config::Telemetry, endpoint: &str) -> Result<(SdkTracer, Exporting), String> {
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", config.service_name.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", Uuid::now_v7().to_string()),
        ])
        .build();
    let (queue, exporting) = export::start(config, endpoint, &resource)?;
    let provider = SdkTracerProvider::builder()
        .with_sampler(sample::Share::new(
            config.sample_ratio,
            config.follow_parent,
        ))
        // Else variables of OpenTelemetry's own would count.
        .with_span_limits(SpanLimits::default())
        .with_resource(resource)
        .with_span_processor(queue)
        .build();
    Ok((provider.tracer("bp-auth"), exporting))
}

/// The layer that turns spans of ours, and nothing else, into OpenTelemetry's.
pub fn layer<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|of| of.is_span() && of.target() == TARGET))
}

/// `name=value,name=value` as headers, or nothing if it is not that.
pub fn headers(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.insert(name.trim().parse::<HeaderName>().ok()?, value);
    }
    Some(headers)
}

/// A caller's trace and span, and nothing more of it: `tracestate` is text of its own choice.
pub struct Parent<'h>(pub &'h HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all("traceparent").iter();
        let only = values.next().filter(|_| values.next().is_none());
        match key {
            "traceparent" => only?.to_str().ok(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}
