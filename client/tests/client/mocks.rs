//! The mocks that other services test with.

use std::collections::BTreeSet;

use bp_auth_client::testing::{MockServerExt, TestAuth};
use bp_auth_client::{ErrorCode, bearer_client, error_code, types};
use serde_json::Value;

use crate::generator::{document_path, mocks_path};

#[test]
fn every_operation_of_the_document_has_its_mock() {
    let document = std::fs::read_to_string(document_path()).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let ids: BTreeSet<&str> = operations
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    assert_eq!(ids.len(), 24);
    let mocks = std::fs::read_to_string(mocks_path()).unwrap();
    for id in ids {
        assert!(mocks.contains(&format!("fn {id}<F>(")), "{id} has no mock");
    }
}

#[tokio::test]
async fn a_mocked_refusal_is_what_the_client_makes_of_a_real_one() {
    let auth = TestAuth::start().await;
    let refusal: types::Error = serde_json::from_value(serde_json::json!({
        "error_code": "account_suspended", "message": "No.", "request_id": "1",
    }))
    .unwrap();
    let mock = auth.server().rotate_api_key(|_, then| {
        then.client_error(403, &refusal);
    });
    let client = bearer_client(&auth.url(), &auth.token().sign().into()).unwrap();
    let refused = client.rotate_api_key().send().await.unwrap_err();
    assert_eq!(error_code(&refused), Some(&ErrorCode::AccountSuspended));
    assert_eq!(mock.calls(), 1);
}
