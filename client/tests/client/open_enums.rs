//! Lists of words: a word that a newer server adds does not break the answer that it comes in.

use std::fmt::{Debug, Display};
use std::fs;
use std::str::FromStr;

use bp_auth_client::types::{
    CredentialKind, Entitlements, LimitPeriod, LimitUnit, LoginResponse, MfaMethod, MfaResetStatus,
    PlanSource, PlanStatus, ReactivatedStatus, Restriction, Role, TokenType, User,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::generator::{document_path, generate};

const TOMORROW: &str = "word_of_tomorrow";

fn schemas() -> Value {
    let document = fs::read_to_string(document_path()).unwrap();
    serde_json::from_str::<Value>(&document).unwrap()["components"]["schemas"].take()
}

/// The words that the document lists, each of them a variant, and a word that it does not.
fn is_open<T>(name: &str, unknown: impl Fn(String) -> T)
where
    T: Clone + Debug + Display + DeserializeOwned + FromStr<Err: Debug> + PartialEq + Serialize,
{
    let words = &schemas()[name]["enum"];
    for word in words.as_array().unwrap() {
        let text = word.as_str().unwrap();
        let value: T = serde_json::from_value(word.clone()).unwrap();
        assert_ne!(value, unknown(text.to_owned()), "{name}: {text} is known");
        assert_eq!(value, text.parse().unwrap());
        assert_eq!(value.to_string(), text);
        assert_eq!(&serde_json::to_value(&value).unwrap(), word);
    }
    let value: T = serde_json::from_value(json!(TOMORROW)).unwrap();
    assert_eq!(value, unknown(TOMORROW.to_owned()), "{name}");
    assert_eq!(value, TOMORROW.parse().unwrap());
    assert_eq!(value.to_string(), TOMORROW);
    assert_eq!(serde_json::to_value(&value).unwrap(), json!(TOMORROW));
    // A word is text; what is none is no word of tomorrow.
    for nonsense in [json!(1), json!(null), json!({"word": "owner"}), json!([])] {
        serde_json::from_value::<T>(nonsense).unwrap_err();
    }
}

/// One line for each list, and the check that no list of the document is left out.
macro_rules! open {
    ($($list:ident)*) => {
        let schemas = schemas();
        let lists = schemas.as_object().unwrap().iter();
        let lists = lists.filter(|(name, schema)| schema["enum"].is_array() && *name != "ErrorCode");
        let lists: Vec<&str> = lists.map(|(name, _)| name.as_str()).collect();
        assert_eq!(lists, [$(stringify!($list)),*]);
        $(is_open(stringify!($list), $list::Unknown);)*
    };
}

#[test]
fn every_list_of_words_is_open() {
    open!(
        CredentialKind LimitPeriod LimitUnit MfaMethod MfaResetStatus PlanSource PlanStatus
        ReactivatedStatus Restriction Role TokenType
    );
}

#[test]
fn whole_answers_with_new_words_decode() {
    const ID: &str = "0190f5fe-7c00-7a00-8000-000000000001";
    const THEN: &str = "2026-11-28T00:00:00Z";
    let user = json!({
        "id": ID, "email": "ada@example.org", "phone_verified": false, "is_active": true,
        "tenant": {"id": ID, "name": "Ada", "plan": "free"}, "roles": ["owner", TOMORROW],
        "mfa_enabled": true, "mfa_methods": ["totp", TOMORROW], "created_at": THEN,
    });
    let decoded: User = serde_json::from_value(user).unwrap();
    assert_eq!(
        decoded.roles,
        [Role::Owner, Role::Unknown(TOMORROW.to_owned())]
    );
    assert_eq!(decoded.mfa_methods[0], MfaMethod::Totp);
    let tokens = json!({
        "access_token": "a", "token_type": TOMORROW, "expires_in": 900, "refresh_token": "r",
        "refresh_expires_in": 9000, "scope": "", "mfa_required": false,
        "user": {"id": ID, "email": "ada@example.org", "tenant_id": ID, "roles": [TOMORROW], "mfa_enabled": false},
    });
    let login: LoginResponse = serde_json::from_value(tokens).unwrap();
    assert!(
        matches!(login, LoginResponse::TokenResponse(_)),
        "{login:?}"
    );
    let pending = json!({
        "mfa_required": true, "mfa_token": "m", "mfa_expires_in": 300, "methods": [TOMORROW],
        "default_method": TOMORROW, "code_sent": false,
    });
    let login: LoginResponse = serde_json::from_value(pending).unwrap();
    assert!(matches!(login, LoginResponse::MfaPending(_)), "{login:?}");
    let entitlements = json!({
        "user_id": ID, "tenant_id": ID, "roles": [TOMORROW], "scopes": [],
        "plan": {"key": "free", "name": "Free", "status": TOMORROW, "source": TOMORROW},
        "features": {}, "restrictions": [TOMORROW],
        "limits": {"seats": {"limit": 1, "unit": TOMORROW, "period": TOMORROW}},
        "credential": {"kind": TOMORROW, "mfa_satisfied": false},
        "version": "1", "computed_at": THEN, "expires_at": THEN,
    });
    let decoded: Entitlements = serde_json::from_value(entitlements).unwrap();
    assert_eq!(
        decoded.restrictions,
        [Restriction::Unknown(TOMORROW.to_owned())]
    );
}

#[test]
fn a_new_list_of_the_document_is_opened_too() {
    let document = fs::read_to_string(document_path()).unwrap();
    let mut document: Value = serde_json::from_str(&document).unwrap();
    let lists = &mut document["components"]["schemas"];
    lists["Colour"] = json!({"type": "string", "enum": ["red", "green"]});
    lists["User"]["properties"]["colour"] = json!({"$ref": "#/components/schemas/Colour"});
    let code = generate(&document.to_string()).unwrap();
    let (_, colour) = code.split_once("pub enum Colour").unwrap();
    let (variants, _) = colour.split_once("impl ").unwrap();
    assert!(variants.contains("Unknown("), "{variants}");
}
