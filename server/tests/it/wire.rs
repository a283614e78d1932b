//! What goes over the wire, to the last header: one snapshot for each operation's success and for
//! each kind of refusal. Rewrite them with `INSTA_UPDATE=always`, then read the difference.

mod boundary;
mod refusals;
mod refusals_mfa;
mod success;
mod success_mfa;

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::RequestBuilder;
use serde_json::Value;

use crate::support::http::{Answer, send};

/// Codes that no path of this version produces, and why.
const NOT_PRODUCED: &[(&str, &str)] = &[(
    "delivery_unavailable",
    "messages go through the outbox, so that no operation waits for their delivery",
)];

/// Members whose values are secrets or random.
const REDACTED: &[&str] = &[
    "access_token",
    "refresh_token",
    "mfa_token",
    "api_key",
    "hint",
    "secret",
    "provisioning_uri",
    "qr_code",
    "codes",
    "backup_codes",
    "version",
    "kid",
    "x",
];

/// Sends the request and compares the answer with the snapshot of that name.
pub async fn snapshot(name: &str, request: RequestBuilder) -> Answer {
    let answer = send(request).await;
    compare(name, &answer);
    answer
}

pub fn compare(name: &str, answer: &Answer) {
    every_answer(name, answer);
    insta::with_settings!({
        snapshot_path => "snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(format!("wire_{name}"), written(answer));
    });
}

/// What holds whatever was asked.
fn every_answer(name: &str, answer: &Answer) {
    let header = |name| answer.header(name);
    let id = header("x-request-id").unwrap_or_else(|| panic!("{name}: no request id"));
    assert!(uuid(id), "{name}: {id}");
    assert_eq!(header("x-content-type-options"), Some("nosniff"), "{name}");
    assert_eq!(header("server"), None, "{name}");
    if !answer.body.is_empty() {
        assert_eq!(header("content-type"), Some("application/json"), "{name}");
    }
    if answer.status >= 400 {
        assert_eq!(header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(answer.text("request_id"), id, "{name}");
        assert!(!answer.text("message").is_empty(), "{name}");
    }
    let must = |status: &[u16], header_name| {
        assert_eq!(
            status.contains(&answer.status),
            header(header_name).is_some(),
            "{name}: {header_name}"
        );
    };
    must(&[429, 503], "retry-after");
    must(&[405], "allow");
    if answer.status == 401 {
        assert!(header("www-authenticate").is_some(), "{name}");
    }
}

/// The answer as text, without what differs from run to run.
fn written(answer: &Answer) -> String {
    let status = reqwest::StatusCode::from_u16(answer.status).expect("a status");
    let mut text = format!("{status}\n");
    for (name, value) in answer.sorted_headers() {
        let value = match name.as_str() {
            // The framework's, of the machine's clock; and what follows from the body.
            "date" | "content-length" => continue,
            "x-request-id" => "[request id]".to_owned(),
            "set-cookie" => cookie(&value),
            _ => value,
        };
        text += &format!("{name}: {value}\n");
    }
    if !answer.body.is_empty() {
        let mut body = answer.json();
        redact("", &mut body);
        text += "\n";
        text += &serde_json::to_string_pretty(&body).expect("JSON");
    }
    text
}

/// A cookie that clears keeps its empty value: that is what the snapshot is to show.
fn cookie(value: &str) -> String {
    let (pair, attributes) = value.split_once(';').expect("attributes");
    match pair.split_once('=').expect("a value") {
        (name, "") => format!("{name}=;{attributes}"),
        (name, _) => format!("{name}=[value];{attributes}"),
    }
}

fn redact(name: &str, value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                redact(name, value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(name, item)),
        Value::String(text) if name == "request_id" => *text = "[request id]".to_owned(),
        Value::String(text) if REDACTED.contains(&name) => *text = format!("[{name}]"),
        Value::String(text) if uuid(text) => *text = "[uuid]".to_owned(),
        _ => {}
    }
}

fn uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

#[test]
fn the_snapshots_show_every_error_code_of_the_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("../openapi-snapshot.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let list = &document["components"]["schemas"]["ErrorCode"]["enum"];
    let list: BTreeSet<String> = serde_json::from_value(list.clone()).unwrap();

    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("tests/it/snapshots")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("wire_") || !name.ends_with(".snap") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let codes = text.lines().filter_map(|line| {
            let value = line.trim().strip_prefix("\"error_code\": \"")?;
            Some(value.trim_end_matches(['"', ',']).to_owned())
        });
        seen.extend(codes);
    }
    seen.extend(NOT_PRODUCED.iter().map(|(code, _)| (*code).to_owned()));
    assert_eq!(seen, list);
}
