//! Which kind of change each rule makes of an edit.

use serde_json::{Value, json};

use super::super::Kind;
use super::{SCHEMAS, at, kinds, lines};

/// `LoginForm` is only sent and `User` only received.
#[test]
fn direction_decides() {
    let property = |d: &mut Value, schema: &str, required: bool| {
        let schema = at(d, &format!("{SCHEMAS}/{schema}"));
        schema["properties"]["added"] = json!({"type": "string"});
        if required {
            schema["required"]
                .as_array_mut()
                .expect("a list")
                .push(json!("added"));
        }
    };
    assert_eq!(kinds(|d| property(d, "LoginForm", true)), [Kind::Breaking]);
    assert_eq!(kinds(|d| property(d, "LoginForm", false)), [Kind::Additive]);
    assert_eq!(kinds(|d| property(d, "User", true)), [Kind::Additive]);
    assert_eq!(kinds(|d| property(d, "User", false)), [Kind::Additive]);

    let remove = |d: &mut Value, schema: &str, name: &str| {
        at(d, &format!("{SCHEMAS}/{schema}/properties"))
            .as_object_mut()
            .expect("an object")
            .remove(name);
    };
    assert_eq!(kinds(|d| remove(d, "LoginForm", "scope")), [Kind::Breaking]);
    assert_eq!(kinds(|d| remove(d, "User", "phone")), [Kind::Breaking]);

    let require = |d: &mut Value, schema: &str, names: Value| {
        *at(d, &format!("{SCHEMAS}/{schema}/required")) = names;
    };
    assert_eq!(
        kinds(|d| require(d, "LoginForm", json!([]))),
        [Kind::Additive]
    );
    assert_eq!(
        kinds(|d| require(d, "User", json!(["id"]))),
        [Kind::Breaking]
    );
    assert_eq!(
        kinds(|d| require(d, "LoginForm", json!(["username", "scope"]))),
        [Kind::Breaking]
    );
    assert_eq!(
        kinds(|d| require(d, "User", json!(["id", "email", "phone"]))),
        [Kind::Additive]
    );
    assert_eq!(
        kinds(|d| require(d, "User", json!(["email", "id"]))),
        [Kind::Cosmetic]
    );

    let set = |d: &mut Value, place: &str, key: &str, value: Value| {
        at(d, &format!("{SCHEMAS}/{place}"))[key] = value;
    };
    let username = "LoginForm/properties/username";
    assert_eq!(
        kinds(|d| set(d, username, "maxLength", json!(100))),
        [Kind::Breaking]
    );
    assert_eq!(
        kinds(|d| set(d, username, "maxLength", json!(300))),
        [Kind::Additive]
    );
    assert_eq!(
        kinds(|d| set(d, username, "minLength", json!(1))),
        [Kind::Breaking]
    );
    assert_eq!(
        kinds(|d| set(d, username, "nullable", json!(true))),
        [Kind::Additive]
    );
    let email = "User/properties/email";
    assert_eq!(
        kinds(|d| set(d, email, "maxLength", json!(100))),
        [Kind::Additive]
    );
    assert_eq!(
        kinds(|d| set(d, email, "nullable", json!(true))),
        [Kind::Breaking]
    );
    assert_eq!(
        kinds(|d| set(d, "User/properties/phone", "nullable", json!(false))),
        [Kind::Additive]
    );
    assert_eq!(
        kinds(|d| set(d, email, "format", json!("email"))),
        [Kind::Breaking]
    );
}

#[test]
fn enum_values_are_told_one_by_one() {
    let codes = format!("{SCHEMAS}/Error/properties/error_code/enum");
    let found = lines(|d| *at(d, &codes) = json!(["not_found", "overloaded"]));
    assert_eq!(
        found,
        [
            "additive  schemas.Error.properties.error_code.enum: value \"overloaded\" added \
             (used by every operation)",
            "breaking  schemas.Error.properties.error_code.enum: value \"internal_error\" \
             removed (used by every operation)",
        ]
    );
    assert_eq!(
        kinds(|d| *at(d, &codes) = json!(["internal_error", "not_found"])),
        [Kind::Cosmetic]
    );
}

#[test]
fn references_and_variants_are_followed() {
    let found = lines(|d| {
        *at(d, &format!("{SCHEMAS}/User/properties/tenant")) =
            json!({"$ref": "#/components/schemas/Tenant"});
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().all(|line| line.starts_with("cosmetic")),
        "{found:?}"
    );

    let found = lines(|d| {
        let media = "/paths/~1api~1auth~1me/get/responses/200/content/application~1json/schema";
        *at(d, media) = json!({"$ref": "#/components/schemas/Tenant"});
    });
    assert_eq!(
        found,
        [
            "breaking  GET /api/auth/me (me)  responses.200.content.application/json.schema: \
          schema changed from User to Tenant"
        ]
    );

    let found = lines(|d| {
        let variants = at(d, &format!("{SCHEMAS}/Answer/oneOf")).as_array_mut();
        variants.expect("a list").pop();
    });
    assert_eq!(
        found,
        ["breaking  schemas.Answer.oneOf: variant Tenant removed (used by no operation)"]
    );
}

#[test]
fn parameters_and_bodies() {
    let parameters = "/paths/~1api~1auth~1devices~1{device_id}/delete/parameters";
    let found = lines(|d| *at(d, &format!("{parameters}/0/schema/type")) = json!("string"));
    assert_eq!(
        found,
        ["breaking  DELETE /api/auth/devices/{device_id} (revoke)  \
          parameters.path device_id.schema.type: type changed from integer to string"]
    );
    let found = kinds(|d| {
        let list = at(d, parameters).as_array_mut().expect("a list");
        list.push(json!({"in": "query", "name": "why", "schema": {"type": "string"}}));
    });
    assert_eq!(found, [Kind::Additive]);
    assert_eq!(kinds(|d| *at(d, parameters) = json!([])), [Kind::Breaking]);

    let body = "/paths/~1api~1auth~1token/post/requestBody";
    assert_eq!(
        kinds(|d| at(d, body)["required"] = json!(false)),
        [Kind::Additive]
    );
    let found = lines(|d| {
        let content = at(d, &format!("{body}/content"))
            .as_object_mut()
            .expect("an object");
        let form = content
            .remove("application/x-www-form-urlencoded")
            .expect("a form");
        content.insert("application/json".into(), form);
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("media type application/json added"),
        "{found:?}"
    );
    assert!(found[1].contains("media type application/x-www-form-urlencoded removed"));
}

#[test]
fn security_is_a_choice() {
    let security = "/paths/~1api~1auth~1me/get/security";
    let wider = json!([{"bearer": []}, {"api_key": []}, {"cookie": []}]);
    assert_eq!(kinds(|d| *at(d, security) = wider), [Kind::Additive]);
    assert_eq!(
        kinds(|d| *at(d, security) = json!([{"bearer": []}])),
        [Kind::Breaking]
    );
    assert_eq!(kinds(|d| *at(d, security) = json!([])), [Kind::Additive]);
    let login = "/paths/~1api~1auth~1token/post";
    assert_eq!(
        kinds(|d| at(d, login)["security"] = json!([{"bearer": []}])),
        [Kind::Breaking]
    );
}
