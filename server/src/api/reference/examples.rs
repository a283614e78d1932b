//! What a server really said, below each operation. The conformance suite takes the examples down and
//! tells when they are no longer true.

use serde_json::Value;

use super::text;

/// Every example of an operation, as HTTP.
pub(super) fn render(examples: &Value, operation: &Value, out: &mut String) {
    let id = text(operation, "operationId").unwrap_or_default();
    let told = examples.get(id).and_then(Value::as_array);
    for (number, example) in told.into_iter().flatten().enumerate() {
        if number == 0 {
            out.push_str("\n**Examples** (secrets blanked)\n");
        }
        let (request, response) = (&example["request"], &example["response"]);
        out.push_str("\n```http\n");
        message("", request, out);
        out.push('\n');
        message("HTTP/1.1 ", response, out);
        out.push_str("```\n");
    }
}

fn message(version: &str, half: &Value, out: &mut String) {
    out.push_str(&format!(
        "{version}{}\n",
        text(half, "line").unwrap_or_default()
    ));
    let headers = half.get("headers").and_then(Value::as_array);
    for header in headers.into_iter().flatten().filter_map(Value::as_str) {
        out.push_str(&format!("{header}\n"));
    }
    match half.get("body") {
        None | Some(Value::Null) => {}
        Some(Value::String(body)) if body.is_empty() => {}
        Some(Value::String(body)) => out.push_str(&format!("\n{body}\n")),
        Some(body) => {
            let body = serde_json::to_string_pretty(body).unwrap_or_default();
            out.push_str(&format!("\n{body}\n"));
        }
    }
}
