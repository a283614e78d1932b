//! The committed code is what the generator makes of the committed document.

use std::fs;

use serde_json::{Value, json};

use crate::generator::{
    COMMAND, document_path, generate, generate_mocks, generated_path, mocks_path,
};

#[test]
fn generated_code_is_up_to_date() {
    let drift = drift(&document());
    assert!(drift.is_none(), "{}", drift.unwrap_or_default());
}

#[test]
fn generated_mocks_are_up_to_date() {
    let fresh = generate_mocks(&document()).unwrap();
    let committed = fs::read_to_string(mocks_path()).unwrap();
    assert!(fresh == committed, "run `{COMMAND}`");
}

#[test]
fn a_changed_document_is_noticed() {
    let changes: [(&str, &str, Value); 4] = [
        (
            "a field's type",
            "/components/schemas/ApiKey/properties/hint/type",
            json!("integer"),
        ),
        (
            "a required list",
            "/components/schemas/ApiKey/required",
            json!(["id"]),
        ),
        (
            "a summary",
            "/paths/~1api~1auth~1me/get/summary",
            json!("Somebody"),
        ),
        (
            "an operation's id",
            "/paths/~1api~1auth~1me/get/operationId",
            json!("whoami"),
        ),
    ];
    for (what, pointer, value) in changes {
        let mut changed: Value = serde_json::from_str(&document()).unwrap();
        *changed.pointer_mut(pointer).unwrap() = value;
        let drift = drift(&changed.to_string()).unwrap_or_default();
        assert!(drift.contains(COMMAND), "{what} changed and nobody noticed");
    }
}

fn document() -> String {
    fs::read_to_string(document_path()).unwrap()
}

/// Says where the committed code differs from what `document` makes, and what to do about it.
fn drift(document: &str) -> Option<String> {
    let fresh = generate(document).unwrap();
    let committed = fs::read_to_string(generated_path()).unwrap();
    if fresh == committed {
        return None;
    }
    let same = fresh
        .lines()
        .zip(committed.lines())
        .take_while(|(a, b)| a == b)
        .count();
    Some(format!(
        "client/src/generated.rs does not follow openapi-snapshot.json, from line {} on; \
         to rewrite it, run `{COMMAND}`\n  committed: {}\n  generated: {}",
        same + 1,
        committed.lines().nth(same).unwrap_or("(end)"),
        fresh.lines().nth(same).unwrap_or("(end)"),
    ))
}
