//! Which operations use a component, and on which side of the wire.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Scope;
use super::operation::{METHODS, label, short_name};

/// The users of every component, found by following references from the operations.
pub(super) struct Usage {
    components: BTreeMap<String, Users>,
    operations: BTreeSet<Key>,
}

#[derive(Default)]
struct Users {
    /// Full and short names by path and method, so that a renamed operation counts once.
    operations: BTreeMap<Key, (String, String)>,
    request: bool,
    response: bool,
}

type Key = (String, &'static str);

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Request,
    Response,
}

impl Usage {
    /// Joins the usage of several documents, the last one naming the operations.
    pub(super) fn of(documents: &[&Value]) -> Self {
        let mut usage = Self {
            components: BTreeMap::new(),
            operations: BTreeSet::new(),
        };
        for document in documents {
            usage.add(document);
        }
        usage
    }

    /// Whom a change of the component at `reference` concerns.
    pub(super) fn scope(&self, reference: &str) -> Scope {
        let Some(users) = self.components.get(reference) else {
            return Scope {
                used_by: Some("no operation".into()),
                ..Scope::document()
            };
        };
        let scope = Scope {
            request: users.request,
            response: users.response,
            ..Scope::document()
        };
        let mut names = users.operations.values();
        if let (Some((full, _)), None) = (names.next(), names.next()) {
            return Scope {
                operation: Some(full.clone()),
                ..scope
            };
        }
        let used_by = if users.operations.len() == self.operations.len() {
            "every operation".to_owned()
        } else {
            let short: Vec<&str> = users.operations.values().map(|(_, n)| n.as_str()).collect();
            short.join(", ")
        };
        Scope {
            used_by: Some(used_by),
            ..scope
        }
    }

    fn add(&mut self, document: &Value) {
        let paths = document.get("paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten() {
            for method in METHODS {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let key = (path.clone(), method);
                let name = (
                    label(method, path, operation),
                    short_name(method, path, operation),
                );
                self.operations.insert(key.clone());
                let request = [operation.get("parameters"), operation.get("requestBody")];
                for part in request
                    .into_iter()
                    .chain([item.get("parameters")])
                    .flatten()
                {
                    self.follow(document, part, &key, &name, Side::Request);
                }
                for scheme in security_schemes(operation) {
                    let reference = format!("#/components/securitySchemes/{scheme}");
                    let users = self.components.entry(reference).or_default();
                    users.operations.insert(key.clone(), name.clone());
                    users.request = true;
                }
                if let Some(responses) = operation.get("responses") {
                    self.follow(document, responses, &key, &name, Side::Response);
                }
            }
        }
    }

    fn follow(
        &mut self,
        document: &Value,
        start: &Value,
        key: &Key,
        name: &(String, String),
        side: Side,
    ) {
        let mut seen = BTreeSet::new();
        let mut queue = Vec::new();
        references(start, &mut queue);
        while let Some(reference) = queue.pop() {
            if !seen.insert(reference) {
                continue;
            }
            let users = self.components.entry(reference.to_owned()).or_default();
            users.operations.insert(key.clone(), name.clone());
            users.request |= side == Side::Request;
            users.response |= side == Side::Response;
            if let Some(target) = reference
                .strip_prefix('#')
                .and_then(|p| document.pointer(p))
            {
                references(target, &mut queue);
            }
        }
    }
}

fn security_schemes(operation: &Value) -> impl Iterator<Item = &String> {
    let ways = operation.get("security").and_then(Value::as_array);
    let schemes = ways.into_iter().flatten().filter_map(Value::as_object);
    schemes.flat_map(|way| way.keys())
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                found.push(reference);
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
