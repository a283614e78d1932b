use serde_json::{Value, json};

use super::render;

fn document() -> Value {
    json!({
        "paths": {
            "/api/auth/token": {"post": {
                "tags": ["Auth"], "summary": "Login", "operationId": "login",
                "description": "Logs in.\n\nSets a cookie.",
                "requestBody": {"required": true, "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {"$ref": "#/components/schemas/LoginForm"}}}},
                "responses": {
                    "200": {"description": "Successful Response", "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Tokens"}}}},
                    "4XX": {"$ref": "#/components/responses/Error"}}}},
            "/api/auth/me": {"get": {
                "tags": ["Auth"], "summary": "Me", "operationId": "me",
                "security": [{"bearer": []}, {"api_key": []}],
                "responses": {"200": {"description": "Successful Response"}}}},
            "/api/auth/mfa/{method}": {"delete": {
                "tags": ["Auth Mfa"], "summary": "Delete Method", "operationId": "delete_method",
                "parameters": [{"in": "path", "name": "method", "required": true,
                                "description": "Which | method",
                                "schema": {"type": "string", "enum": ["totp", "sms"]}}],
                "responses": {"204": {"description": "Successful Response"}}}}
        },
        "components": {
            "responses": {"Error": {"description": "Refused", "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}},
            "schemas": {
                "Error": {"type": "object", "required": ["error_code"], "properties": {
                    "error_code": {"$ref": "#/components/schemas/ErrorCode"}}},
                "ErrorCode": {"type": "string", "enum": ["not_found", "internal_error"]},
                "LoginForm": {"type": "object", "required": ["username"], "properties": {
                    "username": {"type": "string", "maxLength": 254, "description": "E-mail"},
                    "scope": {"type": "string", "default": ""}}},
                "Tokens": {"description": "A pair.", "type": "object", "required": ["user"],
                    "properties": {
                        "codes": {"type": "array", "items": {"type": "string"}, "nullable": true},
                        "limits": {"type": "object", "additionalProperties": {
                            "type": "integer", "format": "int64"}},
                        "user": {"description": "Whose.",
                                 "allOf": [{"$ref": "#/components/schemas/User"}]}}},
                "User": {"type": "object", "properties": {
                    "parent": {"$ref": "#/components/schemas/User"}}},
                "Unused": {"type": "object"}
            }
        }
    })
}

const AUTH: &str = "\
# Auth API

Generated from `openapi-snapshot.json`. Do not edit by hand: `cargo reference` overwrites this page.

2 endpoints in this group.

## GET /api/auth/me

### Me

Credentials: `bearer` or `api_key`.

**Responses**

| Code | Description | Schema |
| --- | --- | --- |
| 200 | Successful Response | |

## POST /api/auth/token

### Login

Logs in.

Sets a cookie.

Credentials: none.

**Request body:** `application/x-www-form-urlencoded`

Schema: `LoginForm`

| Property | Type | Required | Description |
| --- | --- | --- | --- |
| `scope` | string | optional | Default `\"\"`. |
| `username` | string | required | E-mail. At most 254 characters. |

**Responses**

| Code | Description | Schema |
| --- | --- | --- |
| 200 | Successful Response | [Tokens](#tokens) |
| 4XX | Refused | [Error](#error) |

## Schemas

### Error

| Property | Type | Required | Description |
| --- | --- | --- | --- |
| `error_code` | [ErrorCode](#errorcode) | required | |

### ErrorCode

Type: string. See [Error codes](#error-codes).

### Tokens

A pair.

| Property | Type | Required | Description |
| --- | --- | --- | --- |
| `codes` | array of string, nullable | optional | |
| `limits` | map of string to integer (int64) | optional | |
| `user` | [User](#user) | required | Whose. |

### User

| Property | Type | Required | Description |
| --- | --- | --- | --- |
| `parent` | [User](#user) | optional | |

## Error codes

`error_code` of an `Error` is one of:

- `not_found`
- `internal_error`
";

#[test]
fn a_page_for_each_group() {
    let pages = render(&document(), &json!({}));
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["auth-mfa.md", "auth.md"]);
}

#[test]
fn the_page_is_laid_out_like_the_reference() {
    let pages = render(&document(), &json!({}));
    assert_eq!(pages[1].1, AUTH);
}

#[test]
fn parameters_have_a_table() {
    let pages = render(&document(), &json!({}));
    let page = &pages[0].1;
    assert!(page.contains("\n1 endpoint in this group.\n"), "{page}");
    assert!(
        page.contains("\n## DELETE /api/auth/mfa/{method}\n\n### Delete Method\n"),
        "{page}"
    );
    let row = "| `method` | path | string | required | Which \\| method. One of `totp`, `sms`. |";
    assert!(page.contains(row), "{page}");
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    assert_eq!(
        render(&document(), &json!({})),
        render(&document(), &json!({}))
    );
    assert_eq!(render(&json!({}), &json!({})), []);
}

#[test]
fn every_link_has_its_heading() {
    for (name, page) in render(&document(), &json!({})) {
        for link in page.split("](#").skip(1) {
            let anchor = link.split(')').next().unwrap_or_default();
            let found = page
                .lines()
                .filter(|line| line.starts_with("##"))
                .any(|heading| super::slug(heading) == anchor);
            assert!(found, "{name} links to #{anchor}");
        }
    }
}

#[test]
fn an_example_stands_below_its_operation_as_http() {
    let document: Value = serde_json::from_str(crate::api::document::SNAPSHOT).unwrap();
    let examples = json!({"me": [{
        "request": {"line": "GET /api/auth/me", "headers": ["authorization: Bearer ***"], "body": ""},
        "response": {"line": "200 OK", "headers": [], "body": {"id": 1}},
    }]});
    let pages = render(&document, &examples);
    let page = &pages.iter().find(|(name, _)| name == "auth.md").unwrap().1;
    let shown = "```http\nGET /api/auth/me\nauthorization: Bearer ***\n\nHTTP/1.1 200 OK\n\n{\n  \"id\": 1\n}\n```\n";
    let at = page.find(shown).expect("the example");
    let (before, after) = (page.find("### Me\n"), page.find("### Me Entitlements\n"));
    assert!(before.unwrap() < at && at < after.unwrap());
    // Operations without an example have no heading for one.
    assert_eq!(page.matches("**Examples**").count(), 1);
}
