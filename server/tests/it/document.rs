//! Nothing drifts between what the server emits and what is committed, and each gate that promises
//! so is seen to fail.

use bp_auth_server::api::diff;
use bp_auth_server::api::document::{SNAPSHOT, emit};
use bp_auth_server::cli::serve::refuse_drift;
use serde_json::{Value, json};

use crate::support::postgres::Kind;
use crate::support::process::Bench;

#[test]
fn the_committed_document_is_what_the_server_emits_byte_for_byte() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi-snapshot.json");
    let committed = std::fs::read_to_string(path).unwrap();
    let emitted = emit().unwrap();
    assert_eq!(
        SNAPSHOT, committed,
        "this build carries another file; build again"
    );
    if committed != emitted {
        let changes = diff::compare_text(&committed, &emitted).unwrap();
        let list: Vec<String> = changes.iter().map(ToString::to_string).collect();
        panic!(
            "run `cargo contract` and review the diff:\n{}",
            list.join("\n")
        );
    }
    assert!(emitted.ends_with("}\n"));
}

#[test]
fn the_document_is_one_that_tools_read() {
    let document: openapiv3::OpenAPI = serde_json::from_str(SNAPSHOT).unwrap();
    assert_eq!(document.openapi, "3.0.3");
    assert_eq!(document.operations().count(), 24);
}

#[test]
fn every_operation_is_described_and_says_422_only_where_it_can_happen() {
    let document: Value = serde_json::from_str(SNAPSHOT).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let description = operation["description"].as_str().unwrap_or_default();
            assert!(description.len() > 40, "{method} {path}: {description:?}");
            let has_input = operation.get("requestBody").is_some() || path.contains('{');
            let has_422 = operation["responses"].get("422").is_some();
            assert_eq!(has_input, has_422, "{method} {path}");
        }
    }
}

/// The committed document, changed in one place, and the words that name the place.
fn mutations() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let change = |change: fn(&mut Value)| {
        let mut document: Value = serde_json::from_str(SNAPSHOT).unwrap();
        let before = document.clone();
        change(&mut document);
        assert_ne!(document, before, "the mutation changes nothing");
        document
    };
    vec![
        (
            "a summary",
            change(|document| {
                document["paths"]["/api/auth/me"]["get"]["summary"] = json!("Myself");
            }),
            vec!["cosmetic", "GET /api/auth/me (me)", "summary"],
        ),
        (
            "a field's type",
            change(|document| {
                let schemas = &mut document["components"]["schemas"];
                schemas["User"]["properties"]["email"] = json!({ "type": "integer" });
            }),
            vec!["breaking", "User", "email", "type"],
        ),
        (
            "a required list",
            change(|document| {
                let schemas = &mut document["components"]["schemas"];
                let required = schemas["RegisterRequest"]["required"]
                    .as_array_mut()
                    .unwrap();
                required.retain(|field| field != "password");
            }),
            vec!["breaking", "RegisterRequest", "required", "password"],
        ),
        (
            "a status code",
            change(|document| {
                let post = &mut document["paths"]["/api/auth/register"]["post"];
                let responses = post["responses"].as_object_mut().unwrap();
                let created = responses.remove("201").unwrap();
                responses.insert("200".to_owned(), created);
            }),
            vec![
                "breaking",
                "POST /api/auth/register (register)",
                "responses.201",
                "from 200 to 201",
            ],
        ),
        (
            "a whole operation",
            change(|document| {
                let paths = document["paths"].as_object_mut().unwrap();
                paths.remove("/api/auth/mfa/{method}").unwrap();
            }),
            vec!["additive", "DELETE /api/auth/mfa/{method} (delete_method)"],
        ),
    ]
}

#[test]
fn each_of_five_mutations_is_named_by_operation_and_field() {
    for (name, document, words) in mutations() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        let changes = diff::compare_text(&text, SNAPSHOT).unwrap();
        let said: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let said = said.join("\n");
        for word in words {
            assert!(said.contains(word), "{name}: no {word:?} in\n{said}");
        }
    }
}

#[test]
fn the_command_fails_on_each_mutation_and_names_it() {
    let bench = Bench::empty(Kind::Sqlite);
    for (name, document, words) in mutations() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        bench.write("committed.json", &text);
        let output = bench.run(&["openapi", "--check", "committed.json"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let said = String::from_utf8(output.stdout).unwrap();
        for word in words {
            assert!(said.contains(word), "{name}: no {word:?} in\n{said}");
        }
    }
}

#[test]
fn the_command_passes_on_the_committed_file_and_fails_on_what_is_none() {
    let bench = Bench::empty(Kind::Sqlite);
    assert_eq!(bench.done(&["openapi"]), SNAPSHOT);
    bench.write("committed.json", SNAPSHOT);
    assert_eq!(bench.done(&["openapi", "--check", "committed.json"]), "");
    // The same document in other bytes is drift too.
    bench.write("committed.json", SNAPSHOT.trim_end());
    assert_ne!(bench.fails(&["openapi", "--check", "committed.json"]), "");
    bench.write("committed.json", "no json");
    assert!(
        bench
            .fails(&["openapi", "--check", "committed.json"])
            .contains("committed.json")
    );
    assert!(
        bench
            .fails(&["openapi", "--check", "absent.json"])
            .contains("absent.json")
    );
    bench.done(&["openapi", "--write", "written.json"]);
    assert_eq!(
        std::fs::read_to_string(bench.path("written.json")).unwrap(),
        SNAPSHOT
    );
}

#[test]
fn a_server_that_carries_another_document_refuses_to_start() {
    refuse_drift(SNAPSHOT).unwrap();
    for (name, document, words) in mutations() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        let refusal = refuse_drift(&text).unwrap_err().to_string();
        for word in words {
            assert!(refusal.contains(word), "{name}: no {word:?} in\n{refusal}");
        }
    }
}
