//! From the schemas of OpenAPI 3.0 to JSON Schema, a little stricter: a property that the document does
//! not name is a leak until somebody documents it.

use anyhow::{Context, Result};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Follows one `$ref` inside the document.
pub fn resolve<'v>(document: &'v Value, value: &'v Value) -> &'v Value {
    let target = value["$ref"].as_str().and_then(|at| at.strip_prefix('#'));
    target.and_then(|at| document.pointer(at)).unwrap_or(value)
}

/// A judge of bodies. It carries all schemas, so that references find their target.
pub fn validator(document: &Value, schema: &Value) -> Result<Validator> {
    let mut components = document["components"]["schemas"].clone();
    translate_all(&mut components);
    let root = json!({
        "allOf": [translated(schema.clone())],
        "components": { "schemas": components },
    });
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .build(&root)
        .context("a schema of the contract cannot be used")
}

fn translate_all(schemas: &mut Value) {
    for schema in schemas.as_object_mut().into_iter().flatten() {
        *schema.1 = translated(schema.1.take());
    }
}

fn translated(mut schema: Value) -> Value {
    if let Value::Object(members) = &mut schema {
        for (key, member) in members.iter_mut() {
            match key.as_str() {
                "properties" => translate_all(member),
                "items" | "additionalProperties" | "not" => *member = translated(member.take()),
                "allOf" | "anyOf" | "oneOf" => {
                    for one in member.as_array_mut().into_iter().flatten() {
                        *one = translated(one.take());
                    }
                }
                _ => {}
            }
        }
        if members.contains_key("properties") && !members.contains_key("additionalProperties") {
            members.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        if members.remove("nullable") == Some(Value::Bool(true)) {
            return json!({ "anyOf": [{ "type": "null" }, schema] });
        }
    }
    schema
}
