//! Paths and operations: parameters, bodies, answers, security.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Diff, Kind, Place, Scope, changed, differing, fallback_kind, show};

pub(super) const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// `POST /api/auth/token (login)`.
pub(super) fn label(method: &str, path: &str, operation: &Value) -> String {
    let place = format!("{} {path}", method.to_uppercase());
    match operation.get("operationId").and_then(Value::as_str) {
        Some(id) => format!("{place} ({id})"),
        None => place,
    }
}

/// `login`, or method and path of an operation without a name.
pub(super) fn short_name(method: &str, path: &str, operation: &Value) -> String {
    let id = operation.get("operationId").and_then(Value::as_str);
    id.map_or_else(|| label(method, path, operation), str::to_owned)
}

impl Diff {
    pub(super) fn paths(&mut self, place: &Place, old: &Value, new: &Value) {
        let scope = Scope::document();
        let Some(paths) = differing(old, new) else {
            return self.unknown(&scope, place, Some(old), Some(new), Kind::Breaking);
        };
        let empty = Value::Object(serde_json::Map::new());
        for (path, old, new) in paths {
            let place = place.key(path);
            let (old, new) = (old.unwrap_or(&empty), new.unwrap_or(&empty));
            if old == new {
                self.push(
                    &scope,
                    &place,
                    Kind::Cosmetic,
                    "path without operations".into(),
                );
                continue;
            }
            let Some(entries) = differing(old, new) else {
                self.unknown(&scope, &place, Some(old), Some(new), Kind::Breaking);
                continue;
            };
            for (key, old, new) in entries {
                let inside = place.key(key);
                match key {
                    method if METHODS.contains(&method) => {
                        self.operation(&inside, method, path, old, new);
                    }
                    "summary" | "description" => {
                        self.unknown(&scope, &inside, old, new, Kind::Cosmetic);
                    }
                    _ => self.unknown(&scope, &inside, old, new, fallback_kind(key)),
                }
            }
        }
    }

    fn operation(
        &mut self,
        place: &Place,
        method: &str,
        path: &str,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let place = place.clone().labelled("");
        let name = |operation| Scope::operation(label(method, path, operation));
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (Some(old), None) => {
                let what = "operation removed".into();
                return self.push(&name(old), &place, Kind::Breaking, what);
            }
            (None, Some(new)) => {
                return self.push(&name(new), &place, Kind::Additive, "operation added".into());
            }
            (None, None) => return,
        };
        let scope = name(new);
        let Some(entries) = differing(old, new) else {
            return self.unknown(&scope, &place, Some(old), Some(new), Kind::Breaking);
        };
        for (key, old, new) in entries {
            let inside = place.key(key);
            match (key, old, new) {
                ("summary" | "description" | "tags" | "externalDocs" | "deprecated", ..) => {
                    self.cosmetic(&scope, &place, key, old, new);
                }
                // Generated clients name their methods after it.
                ("operationId", ..) => {
                    self.push(&scope, &inside, Kind::Breaking, changed(old, new));
                }
                ("parameters", ..) => self.parameters(&scope.in_request(), &inside, old, new),
                ("requestBody", ..) => self.request_body(&scope.in_request(), &inside, old, new),
                ("responses", Some(old), Some(new)) => {
                    self.responses(&scope.in_response(), &inside, old, new);
                }
                ("security", ..) => self.security(&scope, &inside, old, new),
                _ => self.unknown(&scope, &inside, old, new, fallback_kind(key)),
            }
        }
    }

    fn parameters(
        &mut self,
        scope: &Scope,
        place: &Place,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let (Some(before), Some(after)) = (by_name(old), by_name(new)) else {
            return self.unknown(scope, place, old, new, Kind::Breaking);
        };
        let start = self.changes.len();
        for (name, old) in &before {
            let place = place.key(name);
            match after.get(name) {
                None => self.push(scope, &place, Kind::Breaking, "parameter removed".into()),
                Some(new) if new != old => self.parameter(scope, &place, old, new),
                Some(_) => {}
            }
        }
        for (name, new) in &after {
            if !before.contains_key(name) {
                self.added(scope, &place.key(name), new, "parameter");
            }
        }
        if self.changes.len() == start {
            self.push(
                scope,
                place,
                Kind::Cosmetic,
                "order of the parameters changed".into(),
            );
        }
    }

    fn parameter(&mut self, scope: &Scope, place: &Place, old: &Value, new: &Value) {
        for (key, old, new) in differing(old, new).unwrap_or_default() {
            let inside = place.key(key);
            match (key, old, new) {
                ("description" | "example" | "examples" | "deprecated", ..) => {
                    self.cosmetic(scope, place, key, old, new);
                }
                ("required", ..) => self.required_flag(scope, &inside, old, new),
                ("schema", Some(old), Some(new)) => self.schema(scope, &inside, old, new),
                _ => self.unknown(scope, &inside, old, new, fallback_kind(key)),
            }
        }
    }

    fn request_body(
        &mut self,
        scope: &Scope,
        place: &Place,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, Some(new)) => return self.added(scope, place, new, "request body"),
            _ => return self.push(scope, place, Kind::Breaking, "request body removed".into()),
        };
        let Some(entries) = differing(old, new) else {
            return self.unknown(scope, place, Some(old), Some(new), Kind::Breaking);
        };
        for (key, old, new) in entries {
            let inside = place.key(key);
            match (key, old, new) {
                ("description", ..) => self.cosmetic(scope, place, key, old, new),
                ("required", ..) => self.required_flag(scope, &inside, old, new),
                ("content", Some(old), Some(new)) => self.content(scope, &inside, old, new),
                _ => self.unknown(scope, &inside, old, new, fallback_kind(key)),
            }
        }
    }

    fn responses(&mut self, scope: &Scope, place: &Place, old: &Value, new: &Value) {
        let Some(entries) = differing(old, new) else {
            return self.unknown(scope, place, Some(old), Some(new), Kind::Breaking);
        };
        let removed: Vec<_> = entries.iter().filter(|(_, _, new)| new.is_none()).collect();
        let added: Vec<_> = entries.iter().filter(|(_, old, _)| old.is_none()).collect();
        // One code that went while one of its class came is the same answer under another code.
        let moved = match (removed.as_slice(), added.as_slice()) {
            (&[&(from, Some(old), None)], &[&(to, None, Some(new))])
                if from.chars().next() == to.chars().next() =>
            {
                Some((from, old, to, new))
            }
            _ => None,
        };
        for (code, old, new) in &entries {
            let inside = place.key(code);
            match (old, new) {
                (Some(old), Some(new)) => self.response(scope, &inside, old, new),
                _ if moved.is_some() => {}
                _ if code.starts_with("x-") => {
                    self.unknown(scope, &inside, *old, *new, Kind::Cosmetic);
                }
                (None, _) => {
                    // Clients meet errors they do not know, but decode the success they know.
                    let is_error = code.starts_with('4') || code.starts_with('5');
                    let kind = if is_error {
                        Kind::Additive
                    } else {
                        Kind::Breaking
                    };
                    self.push(scope, &inside, kind, format!("status code {code} added"));
                }
                (_, None) => {
                    let what = format!("status code {code} removed");
                    self.push(scope, &inside, Kind::Breaking, what);
                }
            }
        }
        if let Some((from, old, to, new)) = moved {
            let place = place.key(to);
            let what = format!("status code changed from {from} to {to}");
            self.push(scope, &place, Kind::Breaking, what);
            if old != new {
                self.response(scope, &place, old, new);
            }
        }
    }

    pub(super) fn response(&mut self, scope: &Scope, place: &Place, old: &Value, new: &Value) {
        let Some(entries) = differing(old, new) else {
            return self.unknown(scope, place, Some(old), Some(new), Kind::Breaking);
        };
        for (key, old, new) in entries {
            let inside = place.key(key);
            match (key, old, new) {
                ("description", ..) => self.cosmetic(scope, place, key, old, new),
                ("content", Some(old), Some(new)) => self.content(scope, &inside, old, new),
                ("content", None, Some(_)) => {
                    self.push(scope, &inside, Kind::Additive, "body added".into());
                }
                ("content", Some(_), None) => {
                    self.push(scope, &inside, Kind::Breaking, "body removed".into());
                }
                ("headers", None, Some(_)) => {
                    self.push(scope, &inside, Kind::Additive, changed(old, new));
                }
                _ => self.unknown(scope, &inside, old, new, fallback_kind(key)),
            }
        }
    }

    fn content(&mut self, scope: &Scope, place: &Place, old: &Value, new: &Value) {
        let Some(entries) = differing(old, new) else {
            return self.unknown(scope, place, Some(old), Some(new), Kind::Breaking);
        };
        for (media_type, old, new) in entries {
            let place = place.key(media_type);
            let (Some(old), Some(new)) = (old, new) else {
                let (kind, verb) = match new {
                    Some(_) => (Kind::Additive, "added"),
                    None => (Kind::Breaking, "removed"),
                };
                self.push(
                    scope,
                    &place,
                    kind,
                    format!("media type {media_type} {verb}"),
                );
                continue;
            };
            let Some(entries) = differing(old, new) else {
                self.unknown(scope, &place, Some(old), Some(new), Kind::Breaking);
                continue;
            };
            for (key, old, new) in entries {
                let inside = place.key(key);
                match (key, old, new) {
                    ("schema", Some(old), Some(new)) => self.schema(scope, &inside, old, new),
                    ("example" | "examples", ..) => self.cosmetic(scope, &place, key, old, new),
                    _ => self.unknown(scope, &inside, old, new, fallback_kind(key)),
                }
            }
        }
    }

    /// The list is a choice: each entry is one way to be let in; an empty list, as an empty
    /// entry, lets everybody in.
    fn security(&mut self, scope: &Scope, place: &Place, old: Option<&Value>, new: Option<&Value>) {
        let ways = |side: Option<&Value>| match side {
            None => Some(vec![json!({})]),
            Some(value) => match value.as_array()?.as_slice() {
                [] => Some(vec![json!({})]),
                ways => Some(ways.to_vec()),
            },
        };
        let (Some(before), Some(after)) = (ways(old), ways(new)) else {
            return self.unknown(scope, place, old, new, Kind::Breaking);
        };
        let open = |ways: &[Value]| ways.contains(&json!({}));
        let kind = if !open(&before) && open(&after) {
            Kind::Additive
        } else if before.iter().any(|way| !after.contains(way)) {
            Kind::Breaking
        } else if after.iter().any(|way| !before.contains(way)) {
            Kind::Additive
        } else {
            Kind::Cosmetic
        };
        self.push(scope, place, kind, changed(old, new));
    }

    fn required_flag(
        &mut self,
        scope: &Scope,
        place: &Place,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let is_set = |side: Option<&Value>| side.and_then(Value::as_bool).unwrap_or(false);
        let (kind, what) = match (is_set(old), is_set(new)) {
            (false, true) => (Kind::Breaking, "became required".to_owned()),
            (true, false) => (Kind::Additive, "became optional".to_owned()),
            (true, true) | (false, false) => (Kind::Cosmetic, changed(old, new)),
        };
        self.push(scope, place, kind, what);
    }

    fn added(&mut self, scope: &Scope, place: &Place, new: &Value, thing: &str) {
        let required = new.get("required") == Some(&Value::Bool(true));
        let (kind, word) = if required {
            (Kind::Breaking, "required")
        } else {
            (Kind::Additive, "optional")
        };
        self.push(scope, place, kind, format!("{word} {thing} added"));
    }
}

/// Parameters by place and name; none when an entry has no name or two have the same.
fn by_name(parameters: Option<&Value>) -> Option<BTreeMap<String, &Value>> {
    let mut named = BTreeMap::new();
    let Some(parameters) = parameters else {
        return Some(named);
    };
    for parameter in parameters.as_array()? {
        let name = match (parameter.get("in"), parameter.get("name")) {
            (Some(Value::String(place)), Some(Value::String(name))) => format!("{place} {name}"),
            _ => show(parameter.get("$ref")?),
        };
        if named.insert(name, parameter).is_some() {
            return None;
        }
    }
    Some(named)
}
