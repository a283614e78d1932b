use serde_json::{Value, json};

use super::{Change, Kind, compare, compare_text};

mod rules;

fn document() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "bp-auth", "version": "1.0.0"},
        "paths": {
            "/api/auth/token": {"post": {
                "tags": ["Auth"], "summary": "Login", "operationId": "login",
                "requestBody": {"required": true, "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {"$ref": "#/components/schemas/LoginForm"}}}},
                "responses": {
                    "200": {"description": "Successful Response", "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/User"}}}},
                    "4XX": {"$ref": "#/components/responses/Error"}}}},
            "/api/auth/me": {"get": {
                "tags": ["Auth"], "summary": "Me", "operationId": "me",
                "security": [{"bearer": []}, {"api_key": []}],
                "responses": {
                    "200": {"description": "Successful Response", "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/User"}}}},
                    "4XX": {"$ref": "#/components/responses/Error"}}}},
            "/api/auth/devices/{device_id}": {"delete": {
                "tags": ["Auth"], "summary": "Revoke", "operationId": "revoke",
                "parameters": [{"in": "path", "name": "device_id", "required": true,
                                "schema": {"type": "integer", "format": "int64"}}],
                "responses": {
                    "204": {"description": "Successful Response"},
                    "422": {"$ref": "#/components/responses/Error"}}}}
        },
        "components": {
            "responses": {"Error": {"description": "Error", "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}},
            "schemas": {
                "Error": {"type": "object", "required": ["error_code"], "properties": {
                    "error_code": {"type": "string", "enum": ["not_found", "internal_error"]}}},
                "LoginForm": {"type": "object", "required": ["username"], "properties": {
                    "username": {"type": "string", "maxLength": 254},
                    "scope": {"type": "string"}}},
                "User": {"type": "object", "required": ["id", "email"], "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "email": {"type": "string"},
                    "phone": {"type": "string", "nullable": true},
                    "tenant": {"description": "Home.",
                               "allOf": [{"$ref": "#/components/schemas/Tenant"}]}}},
                "Tenant": {"type": "object", "properties": {"name": {"type": "string"}}},
                "Answer": {"oneOf": [{"$ref": "#/components/schemas/User"},
                                     {"$ref": "#/components/schemas/Tenant"}]}
            }
        }
    })
}

fn at<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Value {
    document
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("no {pointer}"))
}

/// Compares the document with itself after `edit`.
fn after(edit: impl FnOnce(&mut Value)) -> Vec<Change> {
    let committed = document();
    let mut emitted = committed.clone();
    edit(&mut emitted);
    compare(&committed, &emitted)
}

fn lines(edit: impl FnOnce(&mut Value)) -> Vec<String> {
    after(edit).iter().map(Change::to_string).collect()
}

fn kinds(edit: impl FnOnce(&mut Value)) -> Vec<Kind> {
    after(edit).iter().map(|change| change.kind).collect()
}

const SCHEMAS: &str = "/components/schemas";

#[test]
fn equal_documents_have_no_changes() {
    assert_eq!(after(|_| {}), []);
}

#[test]
fn a_summary_is_named() {
    let found = lines(|d| *at(d, "/paths/~1api~1auth~1token/post/summary") = json!("Log in"));
    assert_eq!(
        found,
        [r#"cosmetic  POST /api/auth/token (login)  summary: changed from "Login" to "Log in""#]
    );
}

#[test]
fn a_type_is_named_with_its_operation() {
    let found = lines(|d| {
        *at(d, &format!("{SCHEMAS}/LoginForm/properties/username/type")) = json!("integer");
    });
    assert_eq!(
        found,
        [
            "breaking  POST /api/auth/token (login)  schemas.LoginForm.properties.username.type: \
          type changed from string to integer"
        ]
    );
}

#[test]
fn a_shared_schema_names_its_users() {
    let found = lines(|d| *at(d, &format!("{SCHEMAS}/Tenant/properties/name/type")) = json!("x"));
    assert_eq!(
        found,
        [
            "breaking  schemas.Tenant.properties.name.type: type changed from string to x \
          (used by me, login)"
        ]
    );
}

#[test]
fn a_schema_behind_a_shared_response_is_used_by_every_operation() {
    let found = lines(|d| at(d, &format!("{SCHEMAS}/Error"))["description"] = json!("Sorry."));
    assert_eq!(
        found,
        [r#"cosmetic  schemas.Error.description: added "Sorry." (used by every operation)"#]
    );
}

#[test]
fn a_required_list_is_named() {
    let found = lines(|d| *at(d, &format!("{SCHEMAS}/User/required")) = json!(["id"]));
    assert_eq!(
        found,
        ["breaking  schemas.User.required: property email became optional (used by me, login)"]
    );
}

#[test]
fn another_way_in_is_additive_where_everybody_was_let_in_and_still_is() {
    let ways =
        |ways: Value| lines(move |d| at(d, "/paths/~1api~1auth~1token/post")["security"] = ways);
    let found = ways(json!([]));
    assert!(found[0].starts_with("cosmetic"), "{found:?}");
    let found = ways(json!([{"cookie": []}, {}]));
    assert!(found[0].starts_with("additive"), "{found:?}");
    let found = ways(json!([{"cookie": []}]));
    assert!(found[0].starts_with("breaking"), "{found:?}");
}

#[test]
fn a_status_code_is_named() {
    let found = lines(|d| {
        let responses = at(d, "/paths/~1api~1auth~1token/post/responses").as_object_mut();
        let responses = responses.expect("an object");
        let success = responses.remove("200").expect("a success");
        responses.insert("201".into(), success);
    });
    assert_eq!(
        found,
        ["breaking  POST /api/auth/token (login)  responses.201: \
          status code changed from 200 to 201"]
    );
}

#[test]
fn status_codes_that_come_and_go_are_told_one_by_one() {
    let responses = "/paths/~1api~1auth~1token/post/responses";
    let added = lines(|d| at(d, responses)["409"] = json!({"description": "Conflict"}));
    assert_eq!(
        added,
        ["additive  POST /api/auth/token (login)  responses.409: status code 409 added"]
    );
    let added = kinds(|d| at(d, responses)["202"] = json!({"description": "Later"}));
    assert_eq!(added, [Kind::Breaking]);
    let removed = kinds(|d| {
        at(d, responses)
            .as_object_mut()
            .expect("an object")
            .remove("4XX");
    });
    assert_eq!(removed, [Kind::Breaking]);
}

#[test]
fn a_whole_operation_is_named() {
    let remove = |d: &mut Value| {
        at(d, "/paths")
            .as_object_mut()
            .expect("an object")
            .remove("/api/auth/me");
    };
    let found = lines(remove);
    assert_eq!(
        found,
        ["breaking  GET /api/auth/me (me)  operation removed"]
    );

    let emitted = document();
    let mut committed = emitted.clone();
    remove(&mut committed);
    let found: Vec<String> = compare(&committed, &emitted)
        .iter()
        .map(Change::to_string)
        .collect();
    assert_eq!(found, ["additive  GET /api/auth/me (me)  operation added"]);
}

#[test]
fn a_renamed_operation_breaks_generated_clients() {
    let found = lines(|d| *at(d, "/paths/~1api~1auth~1token/post/operationId") = json!("log_in"));
    assert_eq!(
        found,
        [
            r#"breaking  POST /api/auth/token (log_in)  operationId: changed from "login" to "log_in""#
        ]
    );
}

#[test]
fn what_no_rule_knows_is_still_told() {
    let found = lines(|d| at(d, "/paths/~1api~1auth~1me")["servers"] = json!([{"url": "/v2"}]));
    assert_eq!(
        found,
        [r#"breaking  /paths/~1api~1auth~1me/servers: added [{"url":"/v2"}]"#]
    );
    let found = lines(|d| *at(d, "/info/version") = json!("1.0.1"));
    assert_eq!(
        found,
        [r#"cosmetic  /info/version: changed from "1.0.0" to "1.0.1""#]
    );
    let found = lines(|d| at(d, &format!("{SCHEMAS}/Tenant"))["x-internal"] = json!(true));
    assert_eq!(
        found,
        ["cosmetic  /components/schemas/Tenant/x-internal: added true (used by me, login)"]
    );
    assert_eq!(kinds(|d| *d = json!([])), [Kind::Breaking]);
}

/// Removes and replaces every value of the document in turn: no edit may pass unseen.
#[test]
fn no_single_edit_goes_unseen() {
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        let mut visit = |key: &str, value: &Value| {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            pointers(value, &at, found);
            found.push(at);
        };
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| visit(key, value)),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(i, value)| visit(&i.to_string(), value));
            }
            _ => {}
        }
    }

    let committed = document();
    let mut all = Vec::new();
    pointers(&committed, "", &mut all);
    assert!(all.len() > 100);
    for pointer in all {
        for replacement in [
            json!(null),
            json!("other"),
            json!({}),
            json!([]),
            json!(true),
        ] {
            let mut emitted = committed.clone();
            *at(&mut emitted, &pointer) = replacement;
            assert_eq!(
                compare(&committed, &emitted).is_empty(),
                committed == emitted
            );
            assert_eq!(
                compare(&emitted, &committed).is_empty(),
                committed == emitted
            );
        }
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let mut emitted = committed.clone();
        match at(&mut emitted, parent) {
            Value::Object(map) => {
                map.remove(&key.replace("~1", "/").replace("~0", "~"));
            }
            Value::Array(items) => {
                items.remove(key.parse().expect("an index"));
            }
            other => panic!("{other} has no children"),
        }
        let found = compare(&committed, &emitted);
        assert!(!found.is_empty(), "{pointer} was removed unseen");
        let whole = found
            .iter()
            .any(|change| change.what == "the documents differ");
        assert!(!whole, "{pointer} was removed without a name");
    }
}

#[test]
fn layout_alone_is_cosmetic() {
    let text = document().to_string();
    let pretty = serde_json::to_string_pretty(&document()).expect("JSON");
    assert_eq!(compare_text(&text, &text).expect("JSON"), []);
    let found = compare_text(&text, &pretty).expect("JSON");
    assert_eq!(
        found.iter().map(|change| change.kind).collect::<Vec<_>>(),
        [Kind::Cosmetic]
    );
    assert!(compare_text("{", "{}").is_err());
}
