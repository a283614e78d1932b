//! No generated type prints a secret, whatever secrets the document has or gets.

use std::{collections::BTreeSet, fmt::Debug, fs};

use bp_auth_client::{Secret, types};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::generator::document_path;

const MARKER: &str = "m4rk3r-of-a-secret";

/// Checks each type, and its builder, under the name that it has in the document.
macro_rules! check_types {
    ($document:expr, $($name:ident)*) => {{
        $({
            let sample = sample($document, &schema($document, stringify!($name)));
            let value: types::$name = check(stringify!($name), sample);
            let builder = types::builder::$name::from(value);
            assert!(!format!("{builder:?}").contains(MARKER), "{builder:?}");
        })*
        [$(stringify!($name),)*]
    }};
}

#[test]
fn no_type_that_holds_a_secret_prints_it() {
    let document = &document();
    let checked = check_types!(
        document,
        ApiKeySecret BackupCodes CodeConfirm LoginForm LogoutRequest MfaChallengeRequest MfaEnrolled
        MfaPending MfaResetConfirm ReactivateConfirm RefreshRequest RegisterRequest TokenResponse
        TotpSetup
    );
    let mut checked = BTreeSet::from_iter(checked.map(str::to_owned));
    // The sum of two types that hold secrets has no builder.
    for variant in ["TokenResponse", "MfaPending"] {
        let sample = sample(document, &schema(document, variant));
        check::<types::LoginResponse>(variant, sample);
    }
    checked.insert("LoginResponse".to_owned());

    let schemas = document["components"]["schemas"].as_object().unwrap();
    let holders = schemas
        .iter()
        .filter(|(_, schema)| sample(document, schema).to_string().contains(MARKER));
    let holders = BTreeSet::from_iter(holders.map(|(name, _)| name.clone()));
    assert_eq!(
        checked, holders,
        "the types above are not the types that hold secrets"
    );
}

#[test]
fn every_secret_of_the_document_is_marked_as_one() {
    assert_eq!(unmarked_secrets(&document()), BTreeSet::new());
}

#[test]
fn an_unmarked_secret_is_noticed() {
    let mut document = document();
    let schemas = &mut document["components"]["schemas"];
    schemas["TokenResponse"]["properties"]["access_token"]
        .as_object_mut()
        .unwrap()
        .remove("x-secret");
    schemas["BackupCodes"]["properties"]["codes"]["items"] = json!({"type": "string"});
    schemas["Plan"]["properties"]["billing_secret"] = json!({"type": "string"});
    let expected = [
        "BackupCodes.codes",
        "Plan.billing_secret",
        "TokenResponse.access_token",
    ];
    assert_eq!(
        unmarked_secrets(&document),
        BTreeSet::from(expected.map(str::to_owned))
    );
}

#[test]
fn a_refused_value_is_not_quoted() {
    let error = serde_json::from_value::<types::CodeConfirm>(json!({"code": 424_242})).unwrap_err();
    assert!(!error.to_string().contains("424242"), "{error}");
}

#[test]
fn a_secret_is_plain_on_the_wire() {
    let secret: Secret = serde_json::from_value(json!(MARKER)).unwrap();
    assert_eq!(secret.expose(), MARKER);
    assert_eq!(serde_json::to_value(&secret).unwrap(), json!(MARKER));
}

fn check<T: DeserializeOwned + Serialize + Debug>(name: &str, sample: Value) -> T {
    let value: T = serde_json::from_value(sample.clone())
        .unwrap_or_else(|e| panic!("{name} does not decode from {sample}: {e}"));
    // The secret must be there, else its absence from the output would say nothing.
    assert_eq!(
        serde_json::to_value(&value).unwrap(),
        sample,
        "{name} loses something"
    );
    let shown = format!("{value:?} {value:#?}");
    assert!(!shown.contains(MARKER), "{shown}");
    assert!(shown.contains("***"), "{shown}");
    value
}

/// The properties that are secret by their name and are not marked, as `Schema.property`.
fn unmarked_secrets(document: &Value) -> BTreeSet<String> {
    let mut unmarked = BTreeSet::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        for (property, schema) in properties {
            let text = if schema["type"] == "array" {
                &schema["items"]
            } else {
                schema
            };
            if is_secret_name(property) && !is_marked(text) {
                unmarked.insert(format!("{name}.{property}"));
            }
        }
    }
    unmarked
}

/// Whether the document marks it: a machine secret by `x-secret`, one that people type by its format.
fn is_marked(schema: &Value) -> bool {
    schema["x-secret"] == true || schema["format"] == "password"
}

fn is_secret_name(name: &str) -> bool {
    let exact = ["code", "codes", "api_key", "provisioning_uri", "qr_code"];
    let endings = ["password", "token", "secret", "_codes"];
    exact.contains(&name) || endings.iter().any(|ending| name.ends_with(ending))
}

/// A value of `schema` with all its properties, in which each secret is the marker.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return sample(document, &self::schema(document, name));
    }
    if let Some(part) = schema["oneOf"].get(0).or(schema["allOf"].get(0)) {
        return sample(document, part);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str().unwrap() {
        "boolean" => json!(true),
        "integer" => json!(1),
        "array" => {
            let length = schema["minItems"].as_u64().unwrap_or(1);
            (0..length)
                .map(|_| sample(document, &schema["items"]))
                .collect()
        }
        "object" => {
            let none = Map::new();
            let properties = schema["properties"].as_object().unwrap_or(&none);
            let all = properties
                .iter()
                .map(|(name, part)| (name.clone(), sample(document, part)));
            Value::Object(all.collect())
        }
        "string" if is_marked(schema) => json!(MARKER),
        "string" => match schema["format"].as_str() {
            Some("uuid") => json!("0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01"),
            Some("date-time") => json!("2026-01-02T03:04:05Z"),
            Some(other) => panic!("no sample for the format {other}"),
            None => json!("text"),
        },
        other => panic!("no sample for the type {other}"),
    }
}

fn schema(document: &Value, name: &str) -> Value {
    document["components"]["schemas"][name].clone()
}

fn document() -> Value {
    serde_json::from_str(&fs::read_to_string(document_path()).unwrap()).unwrap()
}
