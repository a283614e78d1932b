//! The API reference: one Markdown page for each tag, rendered from the snapshot.
//!
//! The same document gives the same bytes, so that a test can hold the committed pages to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use markdown::{cell, slug, table};
use schema::{Collected, bounds, describe};

mod examples;
mod markdown;
mod schema;
#[cfg(test)]
mod tests;

/// The order in which the methods of one path stand on a page.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// Renders the pages: file name and text, in the order of the names. `examples` holds exchanges by
/// `operationId`.
pub fn render(document: &Value, examples: &Value) -> Vec<(String, String)> {
    let mut groups: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for operation in operations(document) {
        groups.entry(operation.tag).or_default().push(operation);
    }
    let mut pages: Vec<(String, String)> = groups
        .iter()
        .map(|(tag, operations)| {
            (
                format!("{}.md", slug(tag)),
                page(document, examples, tag, operations),
            )
        })
        .collect();
    pages.sort();
    pages
}

struct Operation<'a> {
    tag: &'a str,
    method: &'static str,
    path: &'a str,
    value: &'a Value,
}

/// All operations by path, then by method.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let Some(value) = item.get(method) else {
                continue;
            };
            let tag = value
                .pointer("/tags/0")
                .and_then(Value::as_str)
                .unwrap_or("Other");
            found.push(Operation {
                tag,
                method,
                path,
                value,
            });
        }
    }
    found.sort_by_key(|operation| operation.path);
    found
}

fn page(document: &Value, examples: &Value, tag: &str, operations: &[Operation<'_>]) -> String {
    let mut out = format!(
        "# {tag} API\n\nGenerated from `openapi-snapshot.json`. Do not edit by hand: `cargo reference` \
         overwrites this page.\n\n{} endpoint{} in this group.\n",
        operations.len(),
        if operations.len() == 1 { "" } else { "s" },
    );
    let mut schemas = Collected::new(document);
    for operation in operations {
        section(document, operation, &mut schemas, &mut out);
        examples::render(examples, operation.value, &mut out);
    }
    schemas.render(&mut out);
    error_codes(document, &mut out);
    out
}

fn section<'a>(
    document: &'a Value,
    operation: &Operation<'a>,
    schemas: &mut Collected<'a>,
    out: &mut String,
) {
    let Operation {
        method,
        path,
        value,
        ..
    } = operation;
    out.push_str(&format!("\n## {} {path}\n", method.to_uppercase()));
    if let Some(title) = text(value, "summary") {
        out.push_str(&format!("\n### {title}\n"));
    }
    if let Some(description) = text(value, "description") {
        out.push_str(&format!("\n{}\n", description.trim()));
    }
    credentials(document, value, out);
    parameters(document, value, out);
    request_body(document, value, schemas, out);
    responses(document, value, schemas, out);
}

/// What the operation lets in, one way for each entry of its `security`.
fn credentials(document: &Value, operation: &Value, out: &mut String) {
    let security = operation
        .get("security")
        .or_else(|| document.get("security"));
    let ways = security
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if ways.is_empty() {
        out.push_str("\nCredentials: none.\n");
        return;
    }
    let ways = ways.iter().map(|way| {
        let schemes: Vec<String> = way
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if schemes.is_empty() {
            "none".to_owned()
        } else {
            schemes.join(" with ")
        }
    });
    out.push_str(&format!(
        "\nCredentials: {}.\n",
        ways.collect::<Vec<_>>().join(" or ")
    ));
}

fn parameters(document: &Value, operation: &Value, out: &mut String) {
    let list = operation.get("parameters").and_then(Value::as_array);
    let rows: Vec<Vec<String>> = list
        .into_iter()
        .flatten()
        .map(|parameter| {
            let parameter = resolve(document, parameter);
            let schema = parameter.get("schema").unwrap_or(&Value::Null);
            let required = parameter.get("required").and_then(Value::as_bool) == Some(true);
            let mut description = text(parameter, "description")
                .unwrap_or_default()
                .to_owned();
            join_sentence(&mut description, &bounds(schema));
            vec![
                format!("`{}`", text(parameter, "name").unwrap_or_default()),
                text(parameter, "in").unwrap_or_default().to_owned(),
                describe(schema),
                if required { "required" } else { "optional" }.to_owned(),
                cell(&description),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.push_str("\n**Parameters**\n");
        table(
            out,
            &["Name", "In", "Type", "Required", "Description"],
            &rows,
        );
    }
}

fn request_body<'a>(
    document: &'a Value,
    operation: &'a Value,
    schemas: &mut Collected<'a>,
    out: &mut String,
) {
    let Some(body) = operation.get("requestBody") else {
        return;
    };
    let body = resolve(document, body);
    let optional = body.get("required").and_then(Value::as_bool) != Some(true);
    let content = body.get("content").and_then(Value::as_object);
    for (media_type, media) in content.into_iter().flatten() {
        let note = if optional { " (may be absent)" } else { "" };
        out.push_str(&format!("\n**Request body:** `{media_type}`{note}\n"));
        let Some(schema) = media.get("schema") else {
            continue;
        };
        // The body's own table stands here; what it refers to follows in the list of schemas.
        let target = resolve(document, schema);
        if target.get("properties").is_none() {
            out.push_str(&format!("\nSchema: {}\n", describe(schema)));
            schemas.add(schema);
            continue;
        }
        if let Some(name) = schema::reference(schema).and_then(|r| r.rsplit('/').next()) {
            out.push_str(&format!("\nSchema: `{name}`\n"));
        }
        schema::properties(target, out);
        schemas.add_referenced(target);
    }
}

fn responses<'a>(
    document: &'a Value,
    operation: &'a Value,
    schemas: &mut Collected<'a>,
    out: &mut String,
) {
    let mut rows = Vec::new();
    let codes = operation.get("responses").and_then(Value::as_object);
    for (code, response) in codes.into_iter().flatten() {
        let response = resolve(document, response);
        let contents = response.get("content").and_then(Value::as_object);
        let mut shapes = BTreeSet::new();
        for media in contents.into_iter().flatten().map(|(_, media)| media) {
            if let Some(schema) = media.get("schema") {
                shapes.insert(describe(schema));
                schemas.add(schema);
            }
        }
        let shapes: Vec<String> = shapes.into_iter().collect();
        let description = text(response, "description").unwrap_or_default();
        rows.push(vec![code.clone(), cell(description), shapes.join(", ")]);
    }
    if !rows.is_empty() {
        out.push_str("\n**Responses**\n");
        table(out, &["Code", "Description", "Schema"], &rows);
    }
}

/// The closed list that `error_code` is taken from.
fn error_codes(document: &Value, out: &mut String) {
    let inline = "/components/schemas/Error/properties/error_code";
    let Some(field) = document.pointer(inline) else {
        return;
    };
    let schema = resolve(document, field);
    let codes = schema
        .get("enum")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if codes.is_empty() {
        return;
    }
    out.push_str("\n## Error codes\n\n`error_code` of an `Error` is one of:\n\n");
    for code in codes.iter().filter_map(Value::as_str) {
        out.push_str(&format!("- `{code}`\n"));
    }
}

/// Follows a reference, also one wrapped in an `allOf` beside a description.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = schema::reference(value).and_then(|reference| reference.strip_prefix('#'));
    pointer
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Appends a sentence to a text that may be empty or lack its period.
fn join_sentence(text: &mut String, sentence: &str) {
    if sentence.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push_str(if text.trim_end().ends_with(['.', '!', '?', ':']) {
            " "
        } else {
            ". "
        });
    }
    text.push_str(sentence);
}
