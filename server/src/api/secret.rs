//! Strings that must never be printed: passwords, tokens, codes.

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::{InstanceType, Schema, SchemaObject};
use serde::{Deserialize, Serialize};

/// A secret that a machine made, such as a token or a key. `Debug` hides it, and its schema is a string
/// with the extension `x-secret`, which the client generator maps to a redacting type. It has no format
/// `password`: generators of other languages put asterisks in the place of such a value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The only way to the value, so that every use can be found by its name.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> String {
        "Secret".to_owned()
    }

    /// Inline, so that the document reads as what it is: a string.
    fn is_referenceable() -> bool {
        false
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        SchemaObject {
            instance_type: Some(InstanceType::String.into()),
            extensions: [("x-secret".to_owned(), true.into())].into_iter().collect(),
            ..SchemaObject::default()
        }
        .into()
    }
}

/// A secret that a person types, such as a password or a code: a form shows dots in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Typed(Secret);

impl Typed {
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl JsonSchema for Typed {
    fn schema_name() -> String {
        "Typed".to_owned()
    }

    fn is_referenceable() -> bool {
        false
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        SchemaObject {
            instance_type: Some(InstanceType::String.into()),
            format: Some("password".to_owned()),
            ..SchemaObject::default()
        }
        .into()
    }
}
