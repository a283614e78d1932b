use std::collections::BTreeSet;

use super::attempts;
use super::body::{Content, Fields};
use super::rules::{Expected, Role};
use super::value::{LookAlike, Spot, Value};
use super::{Attempt, body_of};
use crate::cases::field_matrix::CASES;
use crate::matrix::snapshot::{Kind, Media, Operation, operations};

fn with_body() -> Vec<Operation> {
    let mut all = operations().unwrap();
    all.retain(|operation| operation.body.is_some());
    assert_eq!(all.len(), 12);
    all
}

#[test]
fn every_operation_with_a_body_has_its_case_and_no_other() {
    let cases: BTreeSet<String> = CASES.iter().map(|case| case.name.to_owned()).collect();
    let operations = with_body();
    let wanted = operations
        .iter()
        .map(|operation| format!("{}_judges_each_field", operation.id));
    assert_eq!(cases, wanted.collect());
}

#[test]
fn every_field_meets_every_kind_of_value() {
    let mut fields = 0;
    let mut tried = 0;
    for operation in with_body() {
        let attempts = attempts(&operation).unwrap();
        tried += attempts.len();
        let body = body_of(&operation).unwrap();
        for field in &body.fields {
            fields += 1;
            let values: Vec<&Value> = attempts
                .iter()
                .filter_map(|attempt| match attempt {
                    Attempt::Field(of, value, _) if *of == field => Some(value),
                    _ => None,
                })
                .collect();
            let meets = |wanted: fn(&Value) -> bool| {
                assert!(
                    values.iter().any(|value| wanted(value)),
                    "{} {}",
                    operation.id,
                    field.name
                );
            };
            meets(|value| *value == Value::Missing);
            meets(|value| *value == Value::Twice);
            if body.media == Media::Json {
                meets(|value| *value == Value::Null);
                meets(|value| matches!(value, Value::Type(_)));
                meets(|value| matches!(value, Value::Syntax(_)));
            }
            if field.kind != Kind::Boolean {
                meets(|value| *value == Value::Empty);
                meets(|value| matches!(value, Value::Long(_)));
                meets(|value| matches!(value, Value::Control('\0', _)));
                meets(|value| matches!(value, Value::LookAlike(_)));
            }
        }
    }
    assert_eq!(fields, 26);
    assert!(tried > 1500, "{tried} combinations only");
}

#[test]
fn every_rule_is_applied_somewhere() {
    let mut seen = Vec::new();
    let mut roles = Vec::new();
    for operation in with_body() {
        for field in &body_of(&operation).unwrap().fields {
            roles.push(Role::of(&operation.id, field).unwrap());
        }
        for attempt in attempts(&operation).unwrap() {
            let expected = attempt.expected();
            if !seen.contains(&expected) {
                seen.push(expected);
            }
        }
    }
    for expected in [
        Expected::Invalid,
        Expected::Unreadable,
        Expected::Refused(400, "unsupported_grant_type"),
        Expected::Refused(400, "token_invalid"),
        Expected::Refused(401, "invalid_credentials"),
        Expected::Refused(401, "token_invalid"),
        Expected::Refused(401, "mfa_token_invalid"),
        Expected::Counted(401, "invalid_credentials"),
        Expected::Counted(401, "code_invalid"),
        Expected::WithoutEffect,
        Expected::Accepted,
    ] {
        assert!(seen.contains(&expected), "{expected:?}");
    }
    assert_eq!(seen.len(), 11, "{seen:?}");
    for role in [
        Role::Email,
        Role::Username,
        Role::NewPassword,
        Role::Password,
        Role::Phone,
        Role::Locale,
        Role::Text,
        Role::Digits,
        Role::Code,
        Role::Token,
        Role::GrantType,
        Role::Ignored,
        Role::Choice,
        Role::Flag,
    ] {
        assert!(roles.contains(&role), "{role:?}");
    }
}

#[test]
fn bodies_say_exactly_what_is_meant() {
    let good: Fields = vec![
        ("email".to_owned(), "kim@example.com".into()),
        ("all".to_owned(), false.into()),
    ];
    let said = |name: &str, value: Value| {
        let content = Content::with(&good, name, &value).unwrap();
        String::from_utf8(content.bytes(Media::Json).unwrap()).unwrap()
    };
    for (name, value, text) in [
        ("all", Value::Missing, r#"{"email":"kim@example.com"}"#),
        (
            "all",
            Value::Twice,
            r#"{"email":"kim@example.com","all":false,"all":false}"#,
        ),
        ("email", Value::Null, r#"{"email":null,"all":false}"#),
        (
            "email",
            Value::Control('\0', Spot::Middle),
            r#"{"email":"kim\u0000@example.com","all":false}"#,
        ),
        (
            "email",
            Value::LookAlike(LookAlike::Kelvin),
            "{\"email\":\"\u{212a}im@example.com\",\"all\":false}",
        ),
        (
            "email",
            Value::LookAlike(LookAlike::FullWidth),
            "{\"email\":\"\u{ff4b}im@example.com\",\"all\":false}",
        ),
        (
            "email",
            Value::LookAlike(LookAlike::OtherScript),
            "{\"email\":\"k\u{456}m@example.com\",\"all\":false}",
        ),
    ] {
        assert_eq!(said(name, value), text);
    }
    let named = Content::named("within an array", &good, Media::Json).unwrap();
    let text = r#"[{"email":"kim@example.com","all":false}]"#;
    assert_eq!(named, Content::Bytes(text.into()));
}
