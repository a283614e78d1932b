//! The two answers to a login, and the form that asks for them.

use bp_auth_client::types::{LoginForm, LoginResponse, MfaMethod};
use serde_json::json;

#[test]
fn tokens_decode_as_tokens() {
    let body = json!({
        "access_token": "eyJ.a.b",
        "token_type": "bearer",
        "expires_in": 900,
        "refresh_token": "bpr_1",
        "refresh_expires_in": 1_209_600,
        "scope": "",
        "mfa_required": false,
        "trusted_device_id": 7,
        "user": {
            "id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01",
            "email": "ada@example.org",
            "full_name": null,
            "tenant_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a02",
            "roles": ["owner"],
            "mfa_enabled": true,
        },
    });
    match serde_json::from_value(body).unwrap() {
        LoginResponse::TokenResponse(tokens) => {
            assert_eq!(tokens.access_token.expose(), "eyJ.a.b");
            assert_eq!(tokens.refresh_token.unwrap().expose(), "bpr_1");
            assert_eq!(tokens.trusted_device_id, Some(7));
            assert!(!tokens.mfa_required);
        }
        LoginResponse::MfaPending(pending) => panic!("{pending:?}"),
    }
}

#[test]
fn a_pending_second_factor_decodes_as_pending() {
    let body = json!({
        "mfa_required": true,
        "mfa_token": "eyJ.m.f",
        "mfa_expires_in": 300,
        "methods": ["totp", "backup_codes"],
        "default_method": "totp",
        "code_sent": false,
        "phone_hint": null,
    });
    match serde_json::from_value(body).unwrap() {
        LoginResponse::MfaPending(pending) => {
            assert_eq!(pending.mfa_token.expose(), "eyJ.m.f");
            assert_eq!(pending.default_method, MfaMethod::Totp);
            assert!(pending.mfa_required);
        }
        LoginResponse::TokenResponse(tokens) => panic!("{tokens:?}"),
    }
}

#[test]
fn a_body_that_is_neither_is_refused() {
    let body = json!({"mfa_required": false, "access_token": "eyJ.a.b"});
    assert!(serde_json::from_value::<LoginResponse>(body).is_err());
}

#[test]
fn the_form_carries_the_secrets_themselves() {
    let form: LoginForm = LoginForm::builder()
        .username("ada@example.org")
        .password("p&ss wörd")
        .client_secret(bp_auth_client::Secret::from("s3"))
        .try_into()
        .unwrap();
    assert_eq!(
        serde_urlencoded::to_string(&form).unwrap(),
        "client_secret=s3&password=p%26ss+w%C3%B6rd&username=ada%40example.org",
    );
}
