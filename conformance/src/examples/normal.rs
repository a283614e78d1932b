//! What differs from run to run gets a name that does not.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

/// Members whose values are random or follow from random ones.
const RANDOM: &[(&str, &str)] = &[
    ("prefix", "bpk_0000"),
    ("hint", "0000"),
    ("ip_address", "192.0.2.7"),
    ("version", "0000000000000000"),
];

/// Identifiers in the order in which they appeared.
#[derive(Default)]
pub struct Names {
    seen: BTreeMap<Uuid, usize>,
}

impl Names {
    pub fn normalise(&mut self, mut example: Value) -> Value {
        for side in ["request", "response"] {
            let text = example[side]["body"].as_str().unwrap_or_default();
            if let Ok(mut json) = serde_json::from_str::<Value>(text) {
                self.rename(&mut json);
                example[side]["body"] = json;
            }
        }
        example
    }

    fn rename(&mut self, json: &mut Value) {
        match json {
            Value::Object(members) => {
                for (name, member) in members {
                    match RANDOM.iter().find(|(random, _)| random == name) {
                        Some((_, fixed)) if member.is_string() => *member = Value::from(*fixed),
                        _ => self.rename(member),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.rename(item)),
            Value::String(text) => {
                if let Ok(id) = Uuid::parse_str(text) {
                    let next = self.seen.len() + 1;
                    let number = *self.seen.entry(id).or_insert(next);
                    *text = format!("00000000-0000-7000-8000-{number:012}");
                }
            }
            _ => {}
        }
    }
}
