//! Schemas as tables of their properties.

use std::collections::BTreeMap;

use serde_json::Value;

use super::markdown::{cell, slug, table};
use super::{join_sentence, text};

/// The component schemas that a page refers to, with everything they refer to themselves.
pub(super) struct Collected<'a> {
    document: &'a Value,
    named: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Collected<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        Self {
            document,
            named: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, schema: &'a Value) {
        let target = reference(schema).and_then(|r| {
            let schema = self.document.pointer(r.strip_prefix('#')?)?;
            Some((r.rsplit('/').next()?, schema))
        });
        match target {
            Some((name, target)) => {
                if self.named.insert(name, target).is_none() {
                    self.add_referenced(target);
                }
            }
            None => self.add_referenced(schema),
        }
    }

    /// Adds what the schema refers to, but not the schema itself.
    pub(super) fn add_referenced(&mut self, schema: &'a Value) {
        match schema {
            Value::Object(map) => map.values().for_each(|value| self.add(value)),
            Value::Array(items) => items.iter().for_each(|value| self.add(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    pub(super) fn render(&self, out: &mut String) {
        if self.named.is_empty() {
            return;
        }
        out.push_str("\n## Schemas\n");
        for (name, schema) in &self.named {
            out.push_str(&format!("\n### {name}\n"));
            if let Some(description) = text(schema, "description") {
                out.push_str(&format!("\n{}\n", description.trim()));
            }
            if schema.get("properties").is_some() {
                properties(schema, out);
                continue;
            }
            let mut line = format!("Type: {}.", describe(schema));
            // The error codes have a list of their own.
            let is_code = *name == "ErrorCode";
            let values = if is_code {
                "See [Error codes](#error-codes).".into()
            } else {
                bounds(schema)
            };
            join_sentence(&mut line, &values);
            out.push_str(&format!("\n{line}\n"));
        }
    }
}

/// The table of an object's properties; nothing for any other schema.
pub(super) fn properties(schema: &Value, out: &mut String) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    let required: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let rows: Vec<Vec<String>> = properties
        .iter()
        .map(|(name, property)| {
            let mut description = text(property, "description").unwrap_or_default().to_owned();
            // The error codes have a list of their own.
            if name != "error_code" {
                join_sentence(&mut description, &bounds(property));
            }
            let need = if required.contains(&name.as_str()) {
                "required"
            } else {
                "optional"
            };
            vec![
                format!("`{name}`"),
                describe(property),
                need.to_owned(),
                cell(&description),
            ]
        })
        .collect();
    if !rows.is_empty() {
        table(out, &["Property", "Type", "Required", "Description"], &rows);
    }
}

/// The type in a few words, such as `array of [User](#user), nullable`.
pub(super) fn describe(schema: &Value) -> String {
    let mut name = plain_type(schema);
    if schema.get("nullable").and_then(Value::as_bool) == Some(true) {
        name.push_str(", nullable");
    }
    name
}

fn plain_type(schema: &Value) -> String {
    if let Some(name) = name_of(schema) {
        return name;
    }
    for (key, word) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(variants) = schema.get(key).and_then(Value::as_array) {
            return variants.iter().map(describe).collect::<Vec<_>>().join(word);
        }
    }
    let format = text(schema, "format")
        .map(|format| format!(" ({format})"))
        .unwrap_or_default();
    match text(schema, "type") {
        Some("array") => match schema.get("items") {
            Some(items) => format!("array of {}", describe(items)),
            None => "array".to_owned(),
        },
        Some("object") => match schema.get("additionalProperties") {
            Some(values @ Value::Object(_)) => format!("map of string to {}", describe(values)),
            _ => "object".to_owned(),
        },
        Some(plain) => format!("{plain}{format}"),
        None => "any".to_owned(),
    }
}

/// The link to a component that the schema refers to.
fn name_of(schema: &Value) -> Option<String> {
    let name = reference(schema)?.rsplit('/').next()?;
    Some(format!("[{name}](#{})", slug(name)))
}

/// The reference a schema is, directly or inside an `allOf` that carries a description beside it.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    let direct = |schema| -> Option<&Value> { Value::get(schema, "$ref") };
    match schema
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        Some([only]) => direct(only),
        _ => direct(schema),
    }
    .and_then(Value::as_str)
}

/// Values, limits and default as one sentence; empty when there are none.
pub(super) fn bounds(schema: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(code).collect();
        let list = values.join(", ");
        parts.push(if values.len() == 1 {
            format!("Always {list}.")
        } else {
            format!("One of {list}.")
        });
    }
    for (least, most, unit) in [
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minimum", "maximum", ""),
    ] {
        let unsigned = text(schema, "format").is_some_and(|format| format.starts_with("uint"));
        // An unsigned number says so by its format.
        let least = schema
            .get(least)
            .filter(|least| !(unsigned && least.as_f64() == Some(0.0)));
        match (least, schema.get(most)) {
            (Some(least), Some(most)) if least == most => {
                parts.push(format!("Exactly {least}{unit}."));
            }
            (Some(least), Some(most)) => parts.push(format!("{least} to {most}{unit}.")),
            (Some(least), None) => parts.push(format!("At least {least}{unit}.")),
            (None, Some(most)) => parts.push(format!("At most {most}{unit}.")),
            (None, None) => {}
        }
    }
    if let Some(pattern) = text(schema, "pattern") {
        parts.push(format!("Pattern `{pattern}`."));
    }
    if let Some(default) = schema.get("default") {
        parts.push(format!("Default {}.", code(default)));
    }
    parts.join(" ")
}

fn code(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}
