//! What differs between two OpenAPI documents, told by operation and field.
//!
//! A change is *breaking* when a client written or generated from the committed document may stop
//! compiling or working, *additive* when it keeps working, and *cosmetic* when only people see it.
//! Whatever no rule knows is reported as breaking: somebody should look at it. Every walker visits
//! all keys of what it compares, so documents that differ never compare as equal.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use usage::Usage;

mod operation;
mod schema;
#[cfg(test)]
mod tests;
mod usage;

/// One difference between the committed and the emitted document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The operation concerned, such as `POST /api/auth/token (login)`; none when the change
    /// belongs to the whole document or to a component that several operations share.
    pub operation: Option<String>,
    /// Where in the operation or document, such as `responses.200.content.application/json` or
    /// `schemas.User.properties.email.type`; a JSON pointer when no rule knows the place.
    pub location: String,
    pub kind: Kind,
    pub what: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.kind)?;
        if let Some(operation) = &self.operation {
            write!(f, "{operation}  ")?;
        }
        if !self.location.is_empty() {
            write!(f, "{}: ", self.location)?;
        }
        f.write_str(&self.what)
    }
}

/// How much a change matters to a client, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Cosmetic,
    Additive,
    Breaking,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Cosmetic => "cosmetic",
            Kind::Additive => "additive",
            Kind::Breaking => "breaking",
        })
    }
}

/// Compares two documents; empty only if they are equal. The order of keys says nothing in JSON.
pub fn compare(committed: &Value, emitted: &Value) -> Vec<Change> {
    let mut diff = Diff {
        usage: Usage::of(&[committed, emitted]),
        changes: Vec::new(),
    };
    diff.document(committed, emitted);
    if diff.changes.is_empty() && committed != emitted {
        let whole = Place::root();
        diff.push(
            &Scope::document(),
            &whole,
            Kind::Breaking,
            "the documents differ".into(),
        );
    }
    // By operation, what belongs to none last; within one the walk's order stays.
    diff.changes
        .sort_by_key(|change| (change.operation.is_none(), change.operation.clone()));
    diff.changes
}

/// Compares two documents as written; empty only if they are equal byte by byte.
pub fn compare_text(committed: &str, emitted: &str) -> serde_json::Result<Vec<Change>> {
    let mut changes = compare(
        &serde_json::from_str(committed)?,
        &serde_json::from_str(emitted)?,
    );
    if changes.is_empty() && committed != emitted {
        changes.push(Change {
            operation: None,
            location: String::new(),
            kind: Kind::Cosmetic,
            what: "the documents say the same; only the order of keys or the layout differs".into(),
        });
    }
    Ok(changes)
}

struct Diff {
    usage: Usage,
    changes: Vec<Change>,
}

/// A place in the document: its JSON pointer and the name a reader knows it by.
#[derive(Clone)]
struct Place {
    pointer: String,
    label: String,
}

impl Place {
    fn root() -> Self {
        Self {
            pointer: String::new(),
            label: String::new(),
        }
    }

    fn key(&self, key: &str) -> Self {
        let pointer = format!(
            "{}/{}",
            self.pointer,
            key.replace('~', "~0").replace('/', "~1")
        );
        let dot = if self.label.is_empty() { "" } else { "." };
        Self {
            pointer,
            label: format!("{}{dot}{key}", self.label),
        }
    }

    /// Starts the label anew: inside an operation or component the way to it is already said.
    fn labelled(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }
}

/// Whom a change concerns: one operation, the users of a component, or the whole document.
#[derive(Clone)]
struct Scope {
    operation: Option<String>,
    used_by: Option<String>,
    request: bool,
    response: bool,
}

impl Scope {
    fn document() -> Self {
        Self {
            operation: None,
            used_by: None,
            request: true,
            response: true,
        }
    }

    fn operation(label: String) -> Self {
        Self {
            operation: Some(label),
            ..Self::document()
        }
    }

    fn in_request(&self) -> Self {
        Self {
            request: true,
            response: false,
            ..self.clone()
        }
    }

    fn in_response(&self) -> Self {
        Self {
            request: false,
            response: true,
            ..self.clone()
        }
    }

    /// The worse of the two kinds that apply; a component that nobody uses gets the worse of both.
    fn kind(&self, in_request: Kind, in_response: Kind) -> Kind {
        match (self.request, self.response) {
            (true, false) => in_request,
            (false, true) => in_response,
            (true, true) | (false, false) => in_request.max(in_response),
        }
    }

    /// A request that must satisfy more breaks its sender, a response that promises more does not.
    fn tightened(&self) -> Kind {
        self.kind(Kind::Breaking, Kind::Additive)
    }

    fn loosened(&self) -> Kind {
        self.kind(Kind::Additive, Kind::Breaking)
    }
}

impl Diff {
    fn document(&mut self, old: &Value, new: &Value) {
        let (scope, root) = (Scope::document(), Place::root());
        let Some(entries) = differing(old, new) else {
            return self.unknown(&scope, &root, Some(old), Some(new), Kind::Breaking);
        };
        for (key, old, new) in entries {
            let place = root.key(key);
            match (key, old, new) {
                ("paths", Some(old), Some(new)) => self.paths(&place, old, new),
                ("components", Some(old), Some(new)) => self.components(&place, old, new),
                ("info" | "tags" | "externalDocs", ..) => {
                    self.unknown(&scope, &place, old, new, Kind::Cosmetic);
                }
                _ => self.unknown(&scope, &place, old, new, fallback_kind(key)),
            }
        }
    }

    fn components(&mut self, place: &Place, old: &Value, new: &Value) {
        let scope = Scope::document();
        let Some(entries) = differing(old, new) else {
            return self.unknown(&scope, place, Some(old), Some(new), Kind::Breaking);
        };
        let empty = Value::Object(serde_json::Map::new());
        for (section, old, new) in entries {
            let place = place.key(section);
            let (old, new) = (old.unwrap_or(&empty), new.unwrap_or(&empty));
            if old == new {
                // A section that appears or goes while it is empty.
                self.push(&scope, &place, Kind::Cosmetic, "empty section".into());
                continue;
            }
            let Some(components) = differing(old, new) else {
                self.unknown(&scope, &place, Some(old), Some(new), Kind::Breaking);
                continue;
            };
            for (name, old, new) in components {
                let place = place.key(name).labelled(&format!("{section}.{name}"));
                self.component(section, name, &place, old, new);
            }
        }
    }

    fn component(
        &mut self,
        section: &str,
        name: &str,
        place: &Place,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let scope = self.usage.scope(&format!("#/components/{section}/{name}"));
        let (Some(old), Some(new)) = (old, new) else {
            let (kind, what) = match new {
                Some(_) => (Kind::Additive, "component added"),
                // Code generated from the document loses a name.
                None => (Kind::Breaking, "component removed"),
            };
            return self.push(&scope, place, kind, what.into());
        };
        match section {
            "schemas" => self.schema(&scope, place, old, new),
            "responses" => self.response(&scope, place, old, new),
            _ => self.unknown(&scope, place, Some(old), Some(new), Kind::Breaking),
        }
    }

    /// The fall-back: names the pointer of every leaf that differs.
    fn unknown(
        &mut self,
        scope: &Scope,
        place: &Place,
        old: Option<&Value>,
        new: Option<&Value>,
        kind: Kind,
    ) {
        if let (Some(old), Some(new)) = (old, new) {
            if let Some(entries) = differing(old, new) {
                for (key, old, new) in entries {
                    self.unknown(scope, &place.key(key), old, new, kind);
                }
                return;
            }
            if let (Value::Array(old), Value::Array(new)) = (old, new) {
                for index in 0..old.len().max(new.len()) {
                    let (old, new) = (old.get(index), new.get(index));
                    if old != new {
                        self.unknown(scope, &place.key(&index.to_string()), old, new, kind);
                    }
                }
                return;
            }
        }
        let place = place.clone().labelled(&place.pointer);
        self.push(scope, &place, kind, changed(old, new));
    }

    /// A text or a flag that only people read.
    fn cosmetic(
        &mut self,
        scope: &Scope,
        place: &Place,
        key: &str,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        self.push(scope, &place.key(key), Kind::Cosmetic, changed(old, new));
    }

    fn push(&mut self, scope: &Scope, place: &Place, kind: Kind, mut what: String) {
        if let Some(used_by) = &scope.used_by {
            what = format!("{what} (used by {used_by})");
        }
        let (operation, location) = (scope.operation.clone(), place.label.clone());
        self.changes.push(Change {
            operation,
            location,
            kind,
            what,
        });
    }
}

/// A key and its value on either side.
type Entry<'a> = (&'a str, Option<&'a Value>, Option<&'a Value>);

/// The keys whose values differ, if both are objects.
fn differing<'a>(old: &'a Value, new: &'a Value) -> Option<Vec<Entry<'a>>> {
    let (old, new) = (old.as_object()?, new.as_object()?);
    let keys: BTreeSet<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    let entries = keys
        .into_iter()
        .map(|key| (key, old.get(key), new.get(key)));
    Some(entries.filter(|(_, old, new)| old != new).collect())
}

/// Extensions are ours to change; any other key that no rule knows may matter.
fn fallback_kind(key: &str) -> Kind {
    if key.starts_with("x-") {
        Kind::Cosmetic
    } else {
        Kind::Breaking
    }
}

fn changed(old: Option<&Value>, new: Option<&Value>) -> String {
    match (old, new) {
        (None, None) => "unchanged".into(),
        (None, Some(new)) => format!("added {}", show(new)),
        (Some(old), None) => format!("removed {}", show(old)),
        (Some(old), Some(new)) => format!("changed from {} to {}", show(old), show(new)),
    }
}

/// The value as JSON, cut to a length that fits a line.
fn show(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain("...".chars()).collect()
}
