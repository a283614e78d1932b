//! Schemas, judged by the side of the wire that uses them.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Diff, Kind, Place, Scope, changed, differing, fallback_kind, show};

impl Diff {
    pub(super) fn schema(&mut self, scope: &Scope, place: &Place, old: &Value, new: &Value) {
        if old == new {
            return;
        }
        let Some(entries) = differing(old, new) else {
            return self.unknown(scope, place, Some(old), Some(new), Kind::Breaking);
        };
        let (from, to) = (target(old), target(new));
        let rewritten = from.is_some() && from == to && old.get("$ref") != new.get("$ref");
        if from != to {
            let name = |target: Option<&str>| match target {
                Some(reference) => reference.rsplit('/').next().unwrap_or(reference).to_owned(),
                None => "an inline schema".to_owned(),
            };
            let what = format!("schema changed from {} to {}", name(from), name(to));
            return self.push(scope, place, Kind::Breaking, what);
        }
        if rewritten {
            let what = "the same reference is written in another way".into();
            self.push(scope, place, Kind::Cosmetic, what);
        }
        for (key, before, after) in entries {
            match (key, before, after) {
                ("$ref" | "allOf", ..) if rewritten => {}
                ("properties", ..) => self.properties(scope, place, old, new),
                ("required", ..) => self.required(scope, place, old, new),
                _ => self.keyword(scope, place, key, before, after),
            }
        }
    }

    fn properties(&mut self, scope: &Scope, place: &Place, old: &Value, new: &Value) {
        let empty = Value::Object(serde_json::Map::new());
        let inside = place.key("properties");
        let (before, after) = (old.get("properties"), new.get("properties"));
        let Some(entries) = differing(before.unwrap_or(&empty), after.unwrap_or(&empty)) else {
            return self.unknown(scope, &inside, before, after, Kind::Breaking);
        };
        if entries.is_empty() {
            self.push(
                scope,
                &inside,
                Kind::Cosmetic,
                "empty list of properties".into(),
            );
        }
        for (name, before, after) in entries {
            let place = inside.key(name);
            match (before, after) {
                (Some(before), Some(after)) => self.schema(scope, &place, before, after),
                (None, _) => {
                    let (word, in_request) = if strings(new.get("required")).contains(&name) {
                        ("required", Kind::Breaking)
                    } else {
                        ("optional", Kind::Additive)
                    };
                    let kind = scope.kind(in_request, Kind::Additive);
                    self.push(scope, &place, kind, format!("{word} property added"));
                }
                (_, None) => {
                    self.push(scope, &place, Kind::Breaking, "property removed".into());
                }
            }
        }
    }

    /// Tells what became required or optional; a property that came or went is told by itself.
    fn required(&mut self, scope: &Scope, place: &Place, old: &Value, new: &Value) {
        let list = place.key("required");
        let (before, after) = (old.get("required"), new.get("required"));
        let is_list = |side: Option<&Value>| {
            side.is_none_or(|list| {
                list.as_array()
                    .is_some_and(|a| a.iter().all(Value::is_string))
            })
        };
        if !is_list(before) || !is_list(after) {
            return self.unknown(scope, &list, before, after, Kind::Breaking);
        }
        let known = |schema: &Value, name: &str| {
            schema
                .get("properties")
                .is_some_and(|p| p.get(name).is_some())
        };
        let (was, is) = (strings(before), strings(after));
        let mut same_names = true;
        for name in is.iter().filter(|name| !was.contains(name)) {
            same_names = false;
            if known(old, name) || !known(new, name) {
                let what = format!("property {name} became required");
                self.push(scope, &list, scope.tightened(), what);
            }
        }
        for name in was.iter().filter(|name| !is.contains(name)) {
            same_names = false;
            if known(new, name) || !known(old, name) {
                let what = format!("property {name} became optional");
                self.push(scope, &list, scope.loosened(), what);
            }
        }
        if same_names {
            self.push(
                scope,
                &list,
                Kind::Cosmetic,
                "order of the list changed".into(),
            );
        }
    }

    fn keyword(
        &mut self,
        scope: &Scope,
        place: &Place,
        key: &str,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let inside = place.key(key);
        match (key, old, new) {
            ("title" | "description" | "example" | "externalDocs" | "deprecated", ..) => {
                self.cosmetic(scope, place, key, old, new);
            }
            // Generated types change with either of them, whatever the direction.
            ("type" | "format", ..) => {
                let name = |side: Option<&Value>| match side {
                    Some(Value::String(name)) => name.clone(),
                    Some(other) => show(other),
                    None => "none".to_owned(),
                };
                let what = format!("{key} changed from {} to {}", name(old), name(new));
                self.push(scope, &inside, Kind::Breaking, what);
            }
            ("enum", Some(Value::Array(before)), Some(Value::Array(after))) => {
                self.values(scope, &inside, before, after);
            }
            ("nullable", ..) => {
                let is_set = |side: Option<&Value>| side.and_then(Value::as_bool).unwrap_or(false);
                let (kind, what) = match (is_set(old), is_set(new)) {
                    (false, true) => (scope.loosened(), "became nullable".to_owned()),
                    (true, false) => (scope.tightened(), "is no longer nullable".to_owned()),
                    (true, true) | (false, false) => (Kind::Cosmetic, changed(old, new)),
                };
                self.push(scope, &inside, kind, what);
            }
            ("default", ..) => {
                let in_request = if old.is_none() {
                    Kind::Additive
                } else {
                    Kind::Breaking
                };
                let kind = scope.kind(in_request, Kind::Cosmetic);
                self.push(
                    scope,
                    &inside,
                    kind,
                    format!("default {}", changed(old, new)),
                );
            }
            ("items", Some(old), Some(new)) => self.schema(scope, &inside, old, new),
            ("additionalProperties", ..) => self.additional(scope, &inside, old, new),
            ("oneOf" | "anyOf" | "allOf", Some(Value::Array(old)), Some(Value::Array(new))) => {
                self.variants(scope, &inside, key, old, new);
            }
            (
                "minimum" | "minLength" | "minItems" | "minProperties" | "maximum" | "maxLength"
                | "maxItems" | "maxProperties" | "exclusiveMinimum" | "exclusiveMaximum"
                | "multipleOf" | "pattern" | "uniqueItems",
                ..,
            ) => {
                let kind = match tightens(key, old, new) {
                    Some(true) => scope.tightened(),
                    Some(false) => scope.loosened(),
                    None => Kind::Breaking,
                };
                self.push(scope, &inside, kind, format!("{key} {}", changed(old, new)));
            }
            _ => self.unknown(scope, &inside, old, new, fallback_kind(key)),
        }
    }

    fn values(&mut self, scope: &Scope, place: &Place, old: &[Value], new: &[Value]) {
        let start = self.changes.len();
        // Our clients decode a value they do not know, so a new one breaks nobody.
        for value in new.iter().filter(|value| !old.contains(value)) {
            self.push(
                scope,
                place,
                Kind::Additive,
                format!("value {} added", show(value)),
            );
        }
        // Code that names the value stops compiling.
        for value in old.iter().filter(|value| !new.contains(value)) {
            self.push(
                scope,
                place,
                Kind::Breaking,
                format!("value {} removed", show(value)),
            );
        }
        if self.changes.len() == start {
            self.push(
                scope,
                place,
                Kind::Cosmetic,
                "order of the values changed".into(),
            );
        }
    }

    fn variants(&mut self, scope: &Scope, place: &Place, key: &str, old: &[Value], new: &[Value]) {
        let start = self.changes.len();
        let mut gone: Vec<&Value> = old.iter().filter(|v| !new.contains(v)).collect();
        let mut come: Vec<&Value> = new.iter().filter(|v| !old.contains(v)).collect();
        // A variant that only changed inside is told field by field.
        let mut index = 0;
        while let Some(before) = gone.get(index).copied() {
            let same = come.iter().position(|after| alike(before, after));
            if let Some(at) = same {
                let after = come.remove(at);
                gone.remove(index);
                let name = variant(after).map_or_else(|| index.to_string(), str::to_owned);
                self.schema(scope, &place.key(&name), before, after);
            } else {
                index += 1;
            }
        }
        for after in come {
            // A client cannot decode an answer of a shape it does not know.
            let kind = match key {
                "allOf" => Kind::Breaking,
                _ => scope.loosened(),
            };
            self.push(
                scope,
                place,
                kind,
                format!("variant {} added", variant_name(after)),
            );
        }
        for before in gone {
            let what = format!("variant {} removed", variant_name(before));
            self.push(scope, place, Kind::Breaking, what);
        }
        if self.changes.len() == start {
            self.push(
                scope,
                place,
                Kind::Cosmetic,
                "order of the variants changed".into(),
            );
        }
    }

    fn additional(
        &mut self,
        scope: &Scope,
        place: &Place,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let open = |side: Option<&Value>| match side {
            None => Some(true),
            Some(value) => value.as_bool(),
        };
        let kind = match (open(old), open(new)) {
            (Some(true), Some(false)) => scope.tightened(),
            (Some(false), Some(true)) => scope.loosened(),
            (Some(_), Some(_)) => Kind::Cosmetic,
            _ => match (old, new) {
                (Some(old), Some(new)) => return self.schema(scope, place, old, new),
                _ => Kind::Breaking,
            },
        };
        self.push(scope, place, kind, changed(old, new));
    }
}

/// What a schema refers to, directly or through the `allOf` that carries a description beside it.
fn target(schema: &Value) -> Option<&str> {
    let direct = |schema: &'_ Value| schema.get("$ref").is_some();
    let referrer = match schema
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        Some([only]) if direct(only) => only,
        _ => schema,
    };
    referrer.get("$ref").and_then(Value::as_str)
}

fn strings(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Whether two variants are the same one before and after: by name, else by type.
fn alike(old: &Value, new: &Value) -> bool {
    match (variant(old), variant(new)) {
        (Some(old), Some(new)) => old == new,
        (None, None) => old.get("type") == new.get("type"),
        _ => false,
    }
}

fn variant(schema: &Value) -> Option<&str> {
    let reference = target(schema).and_then(|reference| reference.rsplit('/').next());
    reference.or_else(|| schema.get("title").and_then(Value::as_str))
}

fn variant_name(schema: &Value) -> String {
    variant(schema).map_or_else(|| show(schema), str::to_owned)
}

/// Whether a bound allows less than before; unknown when the two cannot be ordered.
fn tightens(key: &str, old: Option<&Value>, new: Option<&Value>) -> Option<bool> {
    let (old, new) = match (old, new) {
        (None, Some(_)) => return Some(true),
        (Some(_), None) => return Some(false),
        (Some(old), Some(new)) => (old, new),
        (None, None) => return None,
    };
    if let (Some(_), Some(new)) = (old.as_bool(), new.as_bool()) {
        return Some(new);
    }
    let tighter = if key.starts_with("min") {
        Ordering::Greater
    } else if key.starts_with("max") {
        Ordering::Less
    } else {
        return None;
    };
    match new.as_f64()?.partial_cmp(&old.as_f64()?)? {
        Ordering::Equal => None,
        order => Some(order == tighter),
    }
}
