//! The span of a request. Like its line in the log it holds nothing that the client chose, but the ids
//! of the caller's trace: a path is told only as the contract spells it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::{HeaderMap, Method};
use openapiv3::OpenAPI;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::gateway::{Answered, METHODS};
use crate::api::document::SNAPSHOT;
use crate::telemetry::{Parent, TARGET};

/// Operations and their paths, with the names of their variables.
static ROUTES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let Ok(document) = serde_json::from_str::<OpenAPI>(SNAPSHOT) else {
        return BTreeMap::new();
    };
    let operations = document.operations();
    let routes = operations.filter_map(|(path, _, operation)| {
        let id = operation.operation_id.clone()?;
        Some((id, path.to_owned()))
    });
    routes.collect()
});

/// A span that is disabled, and costs nothing, unless something traces.
pub fn request(headers: &HeaderMap, method: &Method, request_id: &str) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.kind = "server",
        http.request.method = known(method),
        http.route = Empty,
        url.path = Empty,
        http.response.status_code = Empty,
        error.type = Empty,
        bp_auth.operation = Empty,
        bp_auth.request_id = request_id,
        user.id = Empty,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&Parent(headers));
        // Only a span that has begun refuses, and this one has not.
        let _ = span.set_parent(parent);
    }
    span
}

/// What the answer was. Returns the trace, for the log.
pub fn answered(span: &Span, answered: &Answered<'_>) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let Answered {
        operation, status, ..
    } = *answered;
    let method = known(answered.method);
    span.record("bp_auth.operation", operation);
    span.record("http.response.status_code", i64::from(status));
    let context = span.context();
    let begun = context.span();
    // A span that has begun takes its name and its status from nowhere else.
    match ROUTES.get(operation) {
        Some(route) => {
            begun.update_name(format!("{method} {route}"));
            span.record("http.route", route.as_str());
            // The value of a variable is the client's.
            if !route.contains('{') {
                span.record("url.path", route.as_str());
            }
        }
        None => {
            begun.update_name(method.to_owned());
        }
    }
    if let Some(user) = answered.user {
        span.record("user.id", user.to_string().as_str());
    }
    // What a client did wrong is no error of the server.
    if status >= 500 {
        span.record("error.type", status.to_string().as_str());
        begun.set_status(Status::error(""));
    }
    let trace = begun.span_context().trace_id();
    Some(trace.to_string())
}

/// As the conventions want it: a method of HTTP, or `_OTHER`.
fn known(method: &Method) -> &str {
    match METHODS.contains(method) {
        true => method.as_str(),
        false => "_OTHER",
    }
}
