//! Traces: what a collector gets, and what a server does when none takes them. That no secret is in
//! them is shown in `secrets`.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Value, json};

use crate::logs::lines;
use crate::support::PASSWORD;
use crate::support::collector::{Collector, Manner, attribute};
use crate::support::exposition::Scrape;
use crate::support::http::{Answer, send};
use crate::support::process::{Bench, Ended};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn bench(endpoint: &str) -> Bench {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_TELEMETRY__OTLP_ENDPOINT", endpoint);
    bench
}

fn of(span: &Span, key: &str) -> Option<String> {
    attribute(&span.attributes, key)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The line of the log about a request.
fn line(ended: &Ended, answer: &Answer) -> Value {
    let id = answer.header("x-request-id").unwrap();
    let mut lines = lines(&ended.stderr).into_iter();
    lines
        .find(|line| line["message"] == "request" && line["request_id"] == *id)
        .expect("its line")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_with_what_takes_time_below_it() {
    let mut collector = Collector::start(Manner::Answers(200)).await;
    let bench = bench(&collector.url);
    let serving = bench.serve();
    let http = serving.http();
    let user = send(http.register("ada@example.com")).await;
    let login = send(http.login("ada@example.com")).await;
    let me = send(http.get("/api/auth/me?token=hunter2")).await;
    let nowhere = send(http.get("/hunter2/%68unter2")).await;
    assert_eq!((login.status, me.status, nowhere.status), (200, 401, 404));
    let ended = serving.terminate();
    assert!(ended.status.success(), "{}", ended.stderr);

    let span = collector.span("POST /api/auth/token").await;
    assert_eq!(span.kind, SpanKind::Server as i32);
    assert!(span.parent_span_id.is_empty());
    let id = user.json()["id"].as_str().unwrap().to_owned();
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/auth/token"),
        ("url.path", "/api/auth/token"),
        ("http.response.status_code", "200"),
        ("bp_auth.operation", "login"),
        ("bp_auth.request_id", login.header("x-request-id").unwrap()),
        ("user.id", &id),
    ] {
        assert_eq!(of(&span, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(of(&span, "error.type"), None);
    assert_eq!(line(&ended, &login)["trace_id"], hex(&span.trace_id));

    let spans = collector.spans();
    for name in ["password.wait", "password.compute", "database.transaction"] {
        let mut below = spans.iter().filter(|below| {
            below.name == name
                && below.trace_id == span.trace_id
                && below.parent_span_id == span.span_id
        });
        assert!(below.next().is_some(), "no {name} below the login");
    }
    let refused = collector.span("GET /api/auth/me").await;
    assert_eq!(
        of(&refused, "http.response.status_code").as_deref(),
        Some("401")
    );
    // What a client did wrong is no error of the server.
    let code = refused.status.as_ref().map_or(0, |status| status.code);
    assert_ne!(code, StatusCode::Error as i32);
    assert_eq!(of(&refused, "user.id"), None);
    let lost = collector.span("GET").await;
    assert_eq!(
        (of(&lost, "http.route"), of(&lost, "url.path")),
        (None, None)
    );

    let export = collector.received[0].clone();
    assert_eq!(export.path, "/v1/traces");
    assert_eq!(export.headers["content-type"], "application/x-protobuf");
    let resource = export.decoded().resource_spans[0].resource.clone().unwrap();
    let name = attribute(&resource.attributes, "service.name");
    assert_eq!(name.as_deref(), Some("bp-auth"));
    // The exports are no requests of anybody.
    assert!(spans.iter().all(|span| !span.name.contains("/v1/traces")));
    let text = |export: &crate::support::collector::Export| {
        String::from_utf8_lossy(&export.bytes).into_owned()
    };
    assert!(
        collector
            .received
            .iter()
            .all(|export| !text(export).contains("hunter2"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_by_itself_is_traced_from_its_own_beginning() {
    let mut collector = Collector::start(Manner::Answers(200)).await;
    let bench = bench(&collector.url);
    let serving = bench.serve();
    let http = serving.http();
    let body =
        json!({ "email": "ada@example.com", "password": PASSWORD, "phone": "+4915112345678" });
    send(http.post_json("/api/auth/register", &body)).await;
    let login = send(http.login("ada@example.com")).await;
    let sms = http.post_json("/api/auth/verify-phone/request", &json!({}));
    let sms = send(sms.bearer_auth(login.text("access_token"))).await;
    assert_eq!(sms.status, 200, "{sms:?}");
    // The mail that welcomes Ada is on its way too.
    let is_sms = |span: &Span| of(span, "bp_auth.message.kind").as_deref() == Some("sms");
    let delivery = collector.span_which(is_sms).await;
    assert_eq!(delivery.name, "outbox.deliver");
    assert!(delivery.parent_span_id.is_empty());
    for (key, value) in [
        ("bp_auth.message.kind", "sms"),
        ("bp_auth.message.attempts", "1"),
        ("bp_auth.message.outcome", "sent"),
    ] {
        assert_eq!(of(&delivery, key).as_deref(), Some(value), "{key}");
    }
    let upkeep = collector.span("upkeep").await;
    assert!(upkeep.parent_span_id.is_empty());
    assert_eq!(upkeep.kind, SpanKind::Internal as i32);
    drop(serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_trace_goes_on_but_its_flag_and_its_words_do_not_count() {
    let mut collector = Collector::start(Manner::Answers(200)).await;
    let bench = bench(&collector.url);
    let serving = bench.serve();
    let call = |traceparent: String| {
        let request = serving.http().get("/api/auth/me");
        let request = request.header("traceparent", traceparent);
        send(request.header("tracestate", "hunter2=hunter2"))
    };
    // The flag says that the caller does not record.
    let known = call(format!("00-{TRACE}-{CALLER}-00")).await;
    let broken = call(format!("00-{TRACE}-hunter2-01")).await;
    let ended = serving.terminate();

    collector.span("GET /api/auth/me").await;
    let spans = collector.spans();
    let span = |answer: &Answer| {
        let id = answer.header("x-request-id").map(ToOwned::to_owned);
        let mut own = spans
            .iter()
            .filter(|span| of(span, "bp_auth.request_id") == id);
        own.next().expect("its span").clone()
    };
    let (known_span, broken_span) = (span(&known), span(&broken));
    assert_eq!(hex(&known_span.trace_id), TRACE);
    assert_eq!(hex(&known_span.parent_span_id), CALLER);
    assert_eq!(known_span.trace_state, "");
    assert_eq!(line(&ended, &known)["trace_id"], TRACE);
    assert_ne!(hex(&broken_span.trace_id), TRACE);
    assert!(broken_span.parent_span_id.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_decides_what_is_traced_only_where_it_is_followed() {
    for (follow, expected) in [("false", 0), ("true", 1)] {
        let mut collector = Collector::start(Manner::Answers(200)).await;
        let mut bench = bench(&collector.url);
        bench.set("BP_AUTH_TELEMETRY__SAMPLE_RATIO", "0");
        bench.set("BP_AUTH_TELEMETRY__FOLLOW_PARENT", follow);
        let serving = bench.serve();
        let request = serving.http().get("/api/auth/me");
        let sent = request.header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
        let answer = send(sent).await;
        let alone = send(serving.http().get("/api/auth/me")).await;
        let ended = serving.terminate();
        // A server that has ended has sent what there was.
        assert_eq!(collector.spans().len(), expected, "{follow}");
        assert_eq!(line(&ended, &answer)["trace_id"], TRACE);
        // Who looks for a request finds it in the log all the same.
        let trace = line(&ended, &alone)["trace_id"].as_str().map(str::len);
        assert_eq!(trace, Some(32));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_nothing_delays_neither_a_request_nor_a_stop() {
    let refusing = Collector::start(Manner::Answers(500)).await;
    let silent = Collector::start(Manner::Silent).await;
    // Bound and given back: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for (what, url) in [
        ("refusing", &refusing.url),
        ("silent", &silent.url),
        ("away", &away),
    ] {
        let bench = bench(url);
        let serving = bench.serve();
        let begun = Instant::now();
        send(serving.http().register("ada@example.com")).await;
        for _ in 0..50 {
            let answer = send(serving.http().login("ada@example.com")).await;
            assert_eq!(answer.status, 200, "{what}");
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        let begun = Instant::now();
        let ended = serving.terminate();
        assert!(ended.status.success(), "{what}: {}", ended.stderr);
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        let said = lines(&ended.stderr).into_iter().filter(|line| {
            let message = line["message"].as_str().unwrap_or_default();
            message.contains("traces")
        });
        // However many exports failed: one line for what was lost, and one where a stop ended an export.
        let said: Vec<Value> = said.collect();
        assert!((1..=2).contains(&said.len()), "{what}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_nobody_takes_are_counted() {
    let mut collector = Collector::start(Manner::Answers(503)).await;
    let mut bench = bench(&collector.url);
    bench.set("BP_AUTH_SERVER__ADMIN_BIND", "127.0.0.1:0");
    let serving = bench.serve();
    send(serving.http().get("/api/auth/me")).await;
    // The second export begins when the first one is done and counted.
    collector.span("GET /api/auth/me").await;
    let seen = collector.received.len();
    send(serving.http().get("/healthz")).await;
    while collector.received.len() == seen {
        collector.next().await;
    }
    let scrape = Scrape::of(&serving.admin()).await;
    let dropped = scrape.samples["bp_auth_telemetry_dropped_spans_total"];
    assert!(dropped >= 1.0, "{}", scrape.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_headers_of_the_exports_come_from_a_file_and_are_never_shown() {
    let mut collector = Collector::start(Manner::Answers(200)).await;
    let mut bench = bench(&collector.url);
    let file = bench.write("headers", "authorization=Bearer hunter2,x-tenant=7\n");
    let file = file.to_str().unwrap();
    bench.set("BP_AUTH_TELEMETRY__OTLP_HEADERS_FILE", file);
    assert!(!bench.done(&["check-config"]).contains("hunter2"));
    let serving = bench.serve();
    send(serving.http().get("/healthz")).await;
    let export = collector.next().await;
    assert_eq!(export.headers["authorization"], "Bearer hunter2");
    assert_eq!(export.headers["x-tenant"], "7");
    assert!(!serving.terminate().stderr.contains("hunter2"));
}

#[test]
fn a_setting_of_telemetry_that_cannot_be_is_named() {
    let bench = Bench::new();
    for (key, value) in [
        ("telemetry.otlp_endpoint", "collector:4318"),
        ("telemetry.otlp_headers", "hunter2"),
        ("telemetry.sample_ratio", "1.5"),
        ("telemetry.sample_ratio", "half"),
        ("telemetry.service_name", ""),
        ("telemetry.timeout", "2m"),
    ] {
        let said = bench.fails(&["check-config", "--set", &format!("{key}={value}")]);
        assert!(said.contains(key) && said.contains("flag"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
