//! Error codes: the list of the document, and whatever a newer server adds.

use std::fs;

use bp_auth_client::{ErrorCode, types};
use serde_json::{Value, json};

use crate::generator::document_path;

#[test]
fn the_known_codes_are_those_of_the_document() {
    let document = fs::read_to_string(document_path()).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let known: Vec<&str> = ErrorCode::KNOWN.iter().map(ErrorCode::as_str).collect();
    assert_eq!(
        json!(known),
        document["components"]["schemas"]["ErrorCode"]["enum"]
    );
}

#[test]
fn every_known_code_survives_the_wire() {
    for code in ErrorCode::KNOWN {
        let wire = serde_json::to_string(code).unwrap();
        assert_eq!(wire, format!("\"{code}\""));
        assert_eq!(&serde_json::from_str::<ErrorCode>(&wire).unwrap(), code);
        assert_eq!(&code.as_str().parse::<ErrorCode>().unwrap(), code);
    }
}

#[test]
fn an_unknown_code_is_kept() {
    let body = json!({"error_code": "quota_exceeded", "message": "No.", "request_id": "r"});
    let error: types::Error = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(
        error.error_code,
        ErrorCode::Unknown("quota_exceeded".to_owned())
    );
    assert_eq!(serde_json::to_value(&error).unwrap(), body);
}
