//! Transcripts without secrets: reports are mailed around, tokens must not be.

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use serde_json::Value;

/// What stands where a secret was.
pub const BLANK: &str = "***";

/// Members of bodies that are secrets wherever they stand.
const SECRETS: &[&str] = &[
    "access_token",
    "api_key",
    "backup_codes",
    "client_secret",
    "code",
    "codes",
    "mfa_token",
    "password",
    "provisioning_uri",
    "qr_code",
    "refresh_token",
    "secret",
    "token",
];

/// A body as a person may read it.
pub fn body(headers: &HeaderMap, body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    let media = headers
        .get(CONTENT_TYPE)
        .and_then(|media| media.to_str().ok())
        .unwrap_or_default();
    if media.starts_with("application/x-www-form-urlencoded") {
        return form(body);
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut json) => {
            value(&mut json);
            serde_json::to_string_pretty(&json).unwrap_or_default()
        }
        // It may be a secret that a case has spoilt.
        Err(_) => format!("({} bytes that are not JSON)", body.len()),
    }
}

/// Blanks the secrets of a JSON value in place.
pub fn value(json: &mut Value) {
    match json {
        Value::Object(members) => {
            for (name, member) in members {
                if SECRETS.contains(&name.as_str()) && !member.is_null() && !member.is_boolean() {
                    blank(member);
                } else {
                    value(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(value),
        _ => {}
    }
}

/// A header's value as a person may read it.
pub fn header(name: &str, text: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name == AUTHORIZATION.as_str() {
        let scheme = text.split_once(' ').map_or("", |(scheme, _)| scheme);
        return format!("{scheme} {BLANK}");
    }
    if name == SET_COOKIE.as_str() {
        let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
        return format!("{};{attributes}", cookie(pair));
    }
    if name == COOKIE.as_str() {
        let pairs: Vec<String> = text.split(';').map(|pair| cookie(pair.trim())).collect();
        return pairs.join("; ");
    }
    match name.as_str() {
        "x-api-key" | "x-trusted-device" => BLANK.to_owned(),
        _ => text.to_owned(),
    }
}

fn cookie(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, "")) => format!("{name}="),
        Some((name, _)) => format!("{name}={BLANK}"),
        None => BLANK.to_owned(),
    }
}

fn form(body: &[u8]) -> String {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body).unwrap_or_default();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, text)| {
            if SECRETS.contains(&name.as_str()) {
                format!("{name}={BLANK}")
            } else {
                format!("{name}={text}")
            }
        })
        .collect();
    pairs.join("&")
}

/// Lists keep their length: how many codes there were is worth knowing.
fn blank(member: &mut Value) {
    match member {
        Value::Array(items) => items.iter_mut().for_each(blank),
        other => *other = Value::from(BLANK),
    }
}
