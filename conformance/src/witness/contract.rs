//! The document as a judge of answers: is this status, are these headers, is this body what it says?

mod rules;
mod schema;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use http::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::Value;

use super::{Answer, Exchange, Sent};

/// The snapshot, ready to judge with.
pub struct Contract {
    pub operations: Vec<Operation>,
    /// The closed list.
    pub error_codes: BTreeSet<String>,
    error: Validator,
}

/// One of the 24.
pub struct Operation {
    pub id: &'static str,
    pub method: Method,
    pub path: &'static str,
    pub tag: &'static str,
    pub title: &'static str,
    /// Documented statuses: `200`, `422`, `4XX`.
    pub responses: BTreeMap<String, Option<Validator>>,
}

impl Contract {
    /// Reads an OpenAPI 3.0 document.
    pub fn parse(text: &str) -> Result<Self> {
        let document: Value = serde_json::from_str(text).context("the contract is not JSON")?;
        let mut operations = Vec::new();
        let paths = document["paths"].as_object().context("it has no paths")?;
        for (path, item) in paths {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                    continue;
                };
                operations.push(Operation::parse(&document, path, method, operation)?);
            }
        }
        let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array();
        let codes = codes.context("it has no ErrorCode")?;
        Ok(Self {
            operations,
            error_codes: codes
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            error: schema::validator(&document, &schema::reference("Error"))?,
        })
    }

    /// Which operation a request means. A literal path wins over a template.
    pub fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        let candidates = self.operations.iter();
        candidates
            .filter(|operation| operation.method == *method && operation.matches(path))
            .max_by_key(|operation| operation.path == path)
    }

    /// Keeps an exchange, with everything the document has against its answer.
    pub fn judge(&self, sent: Sent, answer: Answer) -> Exchange {
        let operation = self.operation(&sent.method, sent.uri.path());
        let error_code = if answer.status.is_success() {
            None
        } else {
            answer.error_code()
        };
        let objections = rules::objections(self, operation, &sent, &answer);
        let head = format!(
            "{} {} -> {}: ",
            sent.method,
            sent.uri.path(),
            answer.status.as_u16()
        );
        Exchange {
            operation: operation.map(|operation| operation.id),
            error_code,
            objections: objections
                .into_iter()
                .map(|objection| format!("{head}{objection}"))
                .collect(),
            sent,
            answer,
        }
    }
}

impl Operation {
    fn parse(document: &Value, path: &str, method: Method, value: &Value) -> Result<Self> {
        let text = |key: &str| {
            let text = value.pointer(key).and_then(Value::as_str);
            text.map(forever)
                .with_context(|| format!("{method} {path} has no {key}"))
        };
        let mut responses = BTreeMap::new();
        let documented = value["responses"].as_object();
        for (status, response) in documented.context("an operation has no responses")? {
            let response = schema::resolve(document, response);
            let body = response.pointer("/content/application~1json/schema");
            let validator = body.map(|body| schema::validator(document, body));
            responses.insert(status.clone(), validator.transpose()?);
        }
        Ok(Self {
            id: text("/operationId")?,
            tag: text("/tags/0")?,
            title: text("/summary")?,
            path: forever(path),
            responses,
            method,
        })
    }

    fn matches(&self, path: &str) -> bool {
        let (mut template, mut actual) = (self.path.split('/'), path.split('/'));
        loop {
            match (template.next(), actual.next()) {
                (None, None) => return true,
                (Some(part), Some(given)) if part.starts_with('{') && !given.is_empty() => {}
                (Some(part), Some(given)) if part == given => {}
                _ => return false,
            }
        }
    }

    /// The documented answer that a status falls under: its own entry, else its class.
    pub fn documented(&self, status: StatusCode) -> Option<&Option<Validator>> {
        let class = format!("{}XX", status.as_u16() / 100);
        self.responses
            .get(status.as_str())
            .or_else(|| self.responses.get(&class))
    }

    /// The one success status.
    pub fn success(&self) -> u16 {
        let statuses = self.responses.keys().filter_map(|key| key.parse().ok());
        statuses
            .filter(|status| (200..300).contains(status))
            .min()
            .unwrap_or(200)
    }

    pub fn documents_422(&self) -> bool {
        self.responses.contains_key("422")
    }
}

/// The document is read once and lives as long as the program.
fn forever(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

#[cfg(test)]
mod tests;
