//! The committed document says what the published reference pages say.

use std::collections::BTreeMap;

use bp_auth_server::api::document::SNAPSHOT;
use serde_json::Value;

const PAGES: &str = include_str!("pages.txt");

#[derive(Debug, PartialEq, Eq)]
struct Row {
    title: String,
    group: String,
    parameters: Vec<String>,
    body: Option<String>,
    codes: Vec<String>,
}

fn pages() -> BTreeMap<String, Row> {
    let rows = PAGES.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [operation, title, group, parameters, body, codes] = cells[..] else {
            panic!("{line}")
        };
        let name = operation.split_whitespace().collect::<Vec<_>>().join(" ");
        let optional = |cell: &str| (cell != "-").then(|| cell.to_owned());
        let row = Row {
            title: title.to_owned(),
            group: group.to_owned(),
            parameters: optional(parameters).into_iter().collect(),
            body: optional(body),
            codes: codes.split(' ').map(str::to_owned).collect(),
        };
        (name, row)
    })
    .collect()
}

fn document() -> Value {
    serde_json::from_str(SNAPSHOT).unwrap()
}

fn operations(document: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.insert(
                format!("{} {path}", method.to_uppercase()),
                operation.clone(),
            );
        }
    }
    all
}

/// The schema behind a reference.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let alone = schema["allOf"].get(0).unwrap_or(schema);
    match alone["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => alone,
    }
}

fn row(document: &Value, operation: &Value) -> Row {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let parameters = operation["parameters"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let parameter = |parameter: &Value| {
        assert_eq!(parameter["required"], true, "{parameter}");
        let kind = text(&resolved(document, &parameter["schema"])["type"]);
        format!(
            "{} {} {kind}",
            text(&parameter["name"]),
            text(&parameter["in"])
        )
    };
    let content = operation["requestBody"]["content"].as_object();
    let bodies: Vec<String> = content
        .into_iter()
        .flatten()
        .map(|(media, _)| media.clone())
        .collect();
    assert!(bodies.len() <= 1, "{bodies:?}");
    let codes = operation["responses"].as_object().unwrap().keys();
    let tags = operation["tags"].as_array().unwrap();
    assert_eq!(tags.len(), 1);
    Row {
        title: text(&operation["summary"]),
        group: text(&tags[0]),
        parameters: parameters.iter().map(parameter).collect(),
        body: bodies.into_iter().next(),
        codes: codes
            .filter(|code| !code.ends_with("XX"))
            .cloned()
            .collect(),
    }
}

#[test]
fn the_document_has_exactly_the_operations_of_the_pages() {
    let pages = pages();
    assert_eq!(pages.len(), 24);
    for group in ["Auth", "Auth Mfa"] {
        assert_eq!(
            pages.values().filter(|row| row.group == group).count(),
            12,
            "{group}"
        );
    }
    let document = document();
    let rows: BTreeMap<String, Row> = operations(&document)
        .iter()
        .map(|(name, operation)| (name.clone(), row(&document, operation)))
        .collect();
    for (name, page) in &pages {
        assert_eq!(rows.get(name), Some(page), "{name}");
    }
    assert_eq!(rows.len(), 24, "{:?}", rows.keys());
}

#[test]
fn codes_have_the_words_of_the_pages() {
    for (name, operation) in operations(&document()) {
        for (code, response) in operation["responses"].as_object().unwrap() {
            let expected = match code.as_str() {
                "200" | "201" | "204" => "Successful Response",
                "422" => "Validation Error",
                _ => continue,
            };
            assert_eq!(response["description"], expected, "{name} {code}");
        }
        // Every error is documented, with one schema.
        for code in ["4XX", "5XX"] {
            assert!(operation["responses"][code].is_object(), "{name} {code}");
        }
    }
}

#[test]
fn operation_ids_are_the_titles_in_snake_case() {
    for (name, operation) in operations(&document()) {
        let title = operation["summary"].as_str().unwrap();
        let id = title.to_lowercase().replace(' ', "_");
        assert_eq!(operation["operationId"], *id, "{name}");
    }
}

#[test]
fn descriptions_state_the_named_behaviours_of_the_pages() {
    let all = operations(&document());
    for (name, words) in [
        (
            "GET /api/auth/api-key",
            &["API key", "metadata", "create"][..],
        ),
        ("POST /api/auth/api-key/rotate", &["Rotate (regenerate)"]),
        (
            "POST /api/auth/logout",
            &[
                "Best effort",
                "cookie",
                "revoke",
                "stale or invalid",
                "loop",
            ],
        ),
        ("GET /api/auth/me", &["profile", "authenticated user"]),
        (
            "GET /api/auth/me/entitlements",
            &["effective access envelope"],
        ),
        (
            "POST /api/auth/refresh",
            &[
                "Rotate",
                "first use",
                "same family",
                "revokes the entire family",
                "401",
                "REFRESH_ROTATION_ENABLED",
                "stays the same",
            ],
        ),
        (
            "POST /api/auth/register",
            &["public", "isolated tenant", "Free"],
        ),
        (
            "POST /api/auth/token",
            &[
                "OAuth2 password flow",
                "httpOnly",
                "`bp_token`",
                "body",
                "mfa-pending",
                "POST /api/auth/mfa/challenge",
            ],
        ),
        (
            "POST /api/auth/mfa/challenge",
            &["mfa-pending token", "mfa_required: true", "mfa_token"],
        ),
        (
            "POST /api/auth/mfa/reset/confirm",
            &[
                "Public",
                "Single use",
                "`jti`",
                "SHA-256",
                "`mfa_reset_tokens_used`",
                "410",
            ],
        ),
        (
            "POST /api/auth/mfa/reset/request",
            &[
                "authenticated",
                "signed reset token",
                "mail",
                "Rate limited",
            ],
        ),
        (
            "GET /api/auth/mfa/trusted-devices",
            &["active trusted devices"],
        ),
        (
            "DELETE /api/auth/mfa/trusted-devices/{device_id}",
            &["single trusted device", "audit"],
        ),
    ] {
        let description = all[name]["description"].as_str().unwrap();
        for word in words {
            assert!(
                description.contains(word),
                "{name} does not say {word:?}: {description}"
            );
        }
    }
}
